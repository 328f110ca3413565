"""The wasmtime engine that every component of the process shares, and the clock that stops runaway guests.

Compiled code depends on these settings, so `configuration_key` is part of every cache file's name.
"""

import threading
import time
from typing import Final

import wasmtime

from local.functions import wasmtime_fixes

TICK_SECONDS: Final = 0.05
"""How often the epoch advances: a guest is stopped at most this long after its deadline."""

CONFIGURATION_KEY: Final = "fast-compile-epochs"
"""Names the settings of `new_engine`; change it together with them."""


def new_engine() -> wasmtime.Engine:
    """An engine set for a developer's machine: a changed function must be up soon, so compiling counts most.

    No optimisation and the single-pass register allocator cut the time to compile a Python component, which is nearly
    all of a pod's first start. Long computations in a guest run slower for it than on a cluster; a request that mostly
    parses, calls and answers does not show it.
    """
    wasmtime_fixes.apply()
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.parallel_compilation = True
    config.cranelift_opt_level = "none"
    config.cranelift_flag_set("regalloc_algorithm", "single_pass")
    return wasmtime.Engine(config)


class EpochClock:
    """Advances an engine's epoch every `TICK_SECONDS` from a daemon thread, as long as the process lives."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        threading.Thread(target=self._run, name="epoch-clock", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            self._engine.increment_epoch()


def ticks(seconds: float) -> int:
    """Epoch ticks that cover ``seconds``; one more than exact, since the current tick has already begun."""
    return int(seconds / TICK_SECONDS) + 2
