"""An HTTPS proxy (RFC 9110, CONNECT) that leads chosen names to ports of this machine and the others where they are."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_REQUEST: Final = re.compile(rb"CONNECT (\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5}) HTTP/1\.[01]\r\n")
_HEAD_BYTES: Final = 16 * 1024
_PART_BYTES: Final = 256 * 1024
_PATIENCE: Final = 30.0


class ConnectProxy:
    """Takes connections; `handle` is a callback of `asyncio.start_server`."""

    def __init__(self, here: Mapping[tuple[str, int], int], refused: str) -> None:
        """Nothing is opened yet.

        Parameters
        ----------
        here
            Host and port, as asked for, to the port of 127.0.0.1 that stands for it.
        refused
            Other hosts whose names begin so are not connected to.
        """
        self._here = here
        self._refused = refused

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            match = _REQUEST.match(head) if len(head) <= _HEAD_BYTES else None
            if match is None:
                await _answer(writer, "405 Method Not Allowed")
            else:
                await self._connect(match[1].decode().lower(), int(match[2]), reader, writer)
        writer.close()

    async def _connect(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        local_port = self._here.get((host, port))
        if local_port is None and host.startswith(self._refused):
            await _answer(writer, "403 Not a registry of the one-machine cloud")
            return
        address = ("127.0.0.1", local_port) if local_port is not None else (host.strip("[]"), port)
        try:
            async with asyncio.timeout(_PATIENCE):
                far_reader, far_writer = await asyncio.open_connection(*address)
        except (OSError, TimeoutError):
            await _answer(writer, "502 Bad Gateway")
            return
        try:
            await _answer(writer, "200 Connection established")
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()


async def _answer(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
    await writer.drain()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends, and then that it has ended."""
    with suppress(OSError):
        while part := await source.read(_PART_BYTES):
            target.write(part)
            await target.drain()
        target.write_eof()
