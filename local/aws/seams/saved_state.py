"""State that is kept when the process ends, taken while its threads still write to it.

ministack copies a service's state without a lock. When something was added to a dictionary in that moment, the copy
fails, and the service has nothing in the next run: no state machine, for example. Here the copy is made again.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack import app as service

State = Callable[[], Any]
TRIES: Final = 100
PAUSE_SECONDS: Final = 0.02


def install() -> None:
    """Replace how a service's state is read for saving."""
    save_all = service.save_all

    def save_all_patiently(services: Mapping[str, State]) -> Any:
        return save_all({name: patiently(state) for name, state in services.items()})

    service.save_all = save_all_patiently


def patiently(state: State) -> State:
    """``state``, asked again when it changed while it was read (RuntimeError); the last error is raised."""

    def read() -> Any:
        for _ in range(TRIES - 1):
            try:
                return state()
            except RuntimeError:  # "dictionary changed size during iteration"
                time.sleep(PAUSE_SECONDS)
        return state()

    return read
