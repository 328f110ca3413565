"""The wasmtime engine that every component of the process shares, and the clock that stops runaway guests.

Compiled code depends on these settings, so `configuration_key` is part of every cache file's name.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import wasmtime

from local.spin_host import wasmtime_fixes

TICK_SECONDS: Final = 0.05
"""How often the epoch advances: a guest is stopped at most this long after its deadline."""

STACK_BYTES: Final = 2 << 20
"""Stack of a guest. Unoptimised frames are several times larger than optimised ones: what recurses within wasmtime's
512 KiB on a cluster (pygments, markdown) would end here with "call stack exhausted"."""

CONFIGURATION_KEY: Final = "fast-compile-epochs-stack2m"
"""Names the settings of `new_engine`; change it together with them."""


def new_engine() -> wasmtime.Engine:
    """Make an engine set for a developer's machine: a changed function must be up soon, so compiling counts most.

    No optimisation and the single-pass register allocator cut the time to compile a Python component, which is nearly
    all of a pod's first start. Long computations in a guest run slower for it than on a cluster; a request that mostly
    parses, calls and answers does not show it.
    """
    wasmtime_fixes.apply()
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.parallel_compilation = True
    config.max_wasm_stack = STACK_BYTES
    config.cranelift_opt_level = "none"
    config.cranelift_flag_set("regalloc_algorithm", "single_pass")
    return wasmtime.Engine(config)


class EpochClock:
    """Advances an engine's epoch every `TICK_SECONDS` while a guest runs; a pod that nobody calls rests."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self.engine = engine
        self._guests = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="epoch-clock", daemon=True).start()

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a guest runs: without it, its deadline would never come."""
        with self._changed:
            self._guests += 1
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._guests -= 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._guests > 0)
            time.sleep(TICK_SECONDS)
            self.engine.increment_epoch()


def ticks(seconds: float) -> int:
    """Epoch ticks that cover ``seconds``; one more than exact, since the current tick has already begun."""
    return int(seconds / TICK_SECONDS) + 2
