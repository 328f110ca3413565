"""What the servers of the one-machine cloud share: their sockets, and a uvicorn that leaves signals to others."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


def bound_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP socket (port 0 takes a free one), not listening yet: uvicorn does that once it is ready.

    Raises OSError when the address cannot be had.
    """
    # The protocol must be named: asyncio sets TCP_NODELAY only then, and without it every answer is 40 ms late.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


class SignalFreeServer(uvicorn.Server):
    """Leaves signals to who runs it: set ``should_exit`` to end it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: uvicorn raises them again when it has stopped, and so ends the process before its caller."""
        yield
