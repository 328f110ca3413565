"""A limit on time for code that nothing else can end: machine code, and what it waits for."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def time_limit(seconds: float, text: str) -> Iterator[None]:
    """Write ``text`` to standard error and end this process with 1 if what runs meanwhile takes longer.

    A call into WebAssembly holds no lock of the interpreter, so that the timer's thread gets to run. wasmtime's own
    ways to interrupt it (epochs, fuel) would look at a counter in every loop, which is a tenth of an import's time.
    """

    def end() -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
