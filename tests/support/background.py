"""What goes on beside a test."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from local.cloud.processes import free_port
from local.cloud.serving import bound_socket


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


@contextlib.contextmanager
def serve(app: Any, port: int = 0) -> Iterator[str]:
    """Run an ASGI app in a thread, on a free port where none is given; yields its base URL.

    Not on one of the kernel's own choice: another test's client may still call what had that port a moment ago.
    """
    with bound_socket("127.0.0.1", port or free_port()) as listener:
        listener.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)  # it has been seen to wait for ever, under Python 3.11.2: whatever for, no test needs it
