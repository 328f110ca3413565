"""What goes on beside a test."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeatedly(look: Callable[[], None]) -> Iterator[None]:
    """Look over and over, in a thread of its own, while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.2):
            look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
