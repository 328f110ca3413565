"""Run an ASGI application with uvicorn in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.cloud.serving import SignalFreeServer, bound_socket

_GRACE = 2
_BACKLOG = 512


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 that shows a request its transport, so that tests can cut the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}

    def shutdown(self) -> None:
        """Drop an idle connection at once: closing TLS waits for a client that keeps it for its next request."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().shutdown()


class ServerThread:
    """The server on 127.0.0.1, for processes whose main loop is another's.

    with ServerThread(create_app(), cert_file=..., key_file=...) as server:
        server.url

    Raises OSError for a port that is taken and for a certificate that cannot be read.
    """

    def __init__(
        self, app: Starlette, *, port: int = 0, cert_file: Path | None = None, key_file: Path | None = None
    ) -> None:
        self.app = app
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=cert_file,
            ssl_keyfile=key_file,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=60,
        )
        config.load()  # reads the certificate: an error in it is the caller's, not the thread's
        self._server = SignalFreeServer(config)
        self._listener = bound_socket("127.0.0.1", port)
        self._listener.listen(_BACKLOG)
        self.url = f"{'https' if cert_file else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, name="kubernetes-api", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def start(self) -> Self:
        """Start; requests are taken from now on (they wait in the socket's backlog for the first moments)."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End watches, which would hold the server for their whole timeout, and connections; wait for the thread."""
        if (watches := getattr(self.app.state, "watches", None)) is not None:
            watches.close()
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()
