"""A process that ends with its parent, however that ends: nothing of a cloud outlives it."""

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_INIT: Final = 1
_libc = ctypes.CDLL(None)


def die_with_parent(number: signal.Signals) -> None:
    """Have this process sent a signal when its parent ends (prctl(2); Linux only, elsewhere it does nothing)."""
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() == _INIT:  # it has ended already: nobody will send it
            os.kill(os.getpid(), number)
