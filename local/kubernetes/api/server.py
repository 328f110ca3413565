"""Run the API server with uvicorn: in the present event loop (`serve`) or in a thread (`ServerThread`)."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.serving import SignalFreeServer, bound_socket

_GRACE = 2
_BACKLOG = 512


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 that shows a request its transport, so that a fault can cut the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(SignalFreeServer):
    """Ends the watches when it stops: they would hold it for their whole timeout."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def stop(self) -> None:
        """Stop serving; from any thread."""
        self._app.state.watches.close()
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    listener = bound_socket(host, port)
    listener.listen(_BACKLOG)
    return listener


def _server(app: Starlette, cert_file: str | Path | None, key_file: str | Path | None) -> _Server:
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
    return _Server(config, app)


def _url(listener: socket.socket, tls: bool) -> str:
    host, port = listener.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


async def serve(
    app: Starlette,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    cert_file: str | Path | None = None,
    key_file: str | Path | None = None,
    on_listening: Callable[[str], None] = lambda _url: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or without one until SIGTERM or SIGINT; then return, so the caller can save state.

    `on_listening` gets the URL with the real port (0 takes a free one). Raises OSError when the port cannot be had or
    the certificate cannot be read.
    """
    loop, ended = asyncio.get_running_loop(), stop or asyncio.Event()
    signals = () if stop else (signal.SIGTERM, signal.SIGINT)
    server = _server(app, cert_file, key_file)
    with _listen(host, port) as listener:
        for number in signals:
            loop.add_signal_handler(number, ended.set)
        serving, waiting = asyncio.create_task(server.serve(sockets=[listener])), asyncio.create_task(ended.wait())
        try:
            on_listening(_url(listener, cert_file is not None))
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            server.stop()
            await serving
            for number in signals:
                loop.remove_signal_handler(number)


class ServerThread:
    """The server in a thread of its own, for tests and for processes whose main loop is another's.

    with ServerThread(create_app(), cert_file=..., key_file=...) as server:
        server.url
    """

    def __init__(
        self,
        app: Starlette,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        cert_file: str | Path | None = None,
        key_file: str | Path | None = None,
    ) -> None:
        self.app = app
        self._server = _server(app, cert_file, key_file)
        self._listener = _listen(host, port)
        self.url = _url(self._listener, cert_file is not None)
        self._thread = threading.Thread(target=self._run, name="kubernetes-api", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def start(self) -> Self:
        """Start; requests are taken from now on (they wait in the socket's backlog for the first moments)."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End watches and connections, and wait for the thread."""
        self._server.stop()
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()
