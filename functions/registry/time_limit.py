"""Limit the total time of a conversation with a server that may send slowly.

The timeouts of sockets, and so of urllib3, count from one byte to the next: a server that sends one byte a second can
hold a request for as long as it likes.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

Outcome = TypeVar("Outcome")


class TimeLimit:
    """The time limit of one conversation, and its connections."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()

    def http(self) -> urllib3.PoolManager:
        """Return a client whose connections are closed when the time is over."""
        pool = urllib3.PoolManager(num_pools=2)
        pool.pool_classes_by_scheme = {
            "http": _pool(urllib3.HTTPConnectionPool, HTTPConnection, self._watch),
            "https": _pool(urllib3.HTTPSConnectionPool, HTTPSConnection, self._watch),
        }
        return pool

    def run(self, conversation: Callable[[], Outcome]) -> Outcome:
        """Run a conversation in its own thread, because name resolution cannot be interrupted.

        Raises
        ------
        TimeoutError
            The time is over. Its connections are shut down, which ends the thread.
        """
        outcome: list[Outcome | BaseException] = []

        def converse() -> None:
            try:
                outcome.append(conversation())
            except BaseException as error:  # raised again in the caller's thread
                outcome.append(error)

        thread = threading.Thread(target=converse, daemon=True)
        thread.start()
        thread.join(self._seconds)
        too_slow = thread.is_alive()
        self._over.set()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        if too_slow:
            raise TimeoutError
        (result,) = outcome
        if isinstance(result, BaseException):
            raise result
        return result

    def _watch(self, connection: socket.socket) -> None:
        # A duplicate: TLS takes the socket itself apart.
        self._sockets.append(connection.dup())
        if self._over.is_set():
            connection.close()


def _pool(pool: Any, connection: Any, watch: Callable[[socket.socket], None]) -> Any:
    class Connection(connection):  # type: ignore[misc]  # the class is a parameter
        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            watch(made)
            return made

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
