"""``wasi:io@0.2.0``: errors, pollables and streams. Bodies are buffered, so streams never make a guest wait."""

import time
from collections.abc import Callable
from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import Interface, RequestContext, Resource, err, ok

CHUNK_BYTES: Final = 1 << 20
"""Most that one read returns and one write accepts."""

CLOSED: Final = Variant("closed")


class IoError(Resource):
    """``wasi:io/error.error``."""

    def __init__(self, message: str) -> None:
        self.message = message


class Pollable(Resource):
    """Something to wait for: ready at once, at a time, or when a condition holds."""

    def __init__(self, ready: Callable[[], bool] | None = None, at: float | None = None) -> None:
        """``at`` is in `time.monotonic` seconds."""
        self._ready = ready
        self.at = at

    def ready(self) -> bool:
        """Whether waiting would end at once."""
        if self._ready is not None:
            return self._ready()
        return self.at is None or time.monotonic() >= self.at


class InputStream(Resource):
    """Bytes for the guest to read."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        raise NotImplementedError


class BytesInput(InputStream):
    """A stream over bytes that are all there."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int) -> bytes:
        """Take the next bytes."""
        chunk, self._data = self._data[:size], self._data[size:]
        return bytes(chunk)


class OutputStream(Resource):
    """Bytes from the guest, each chunk handed on as it comes."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.write = write


def _block(context: RequestContext, pollable: Pollable) -> None:
    context.wait_for(pollable.ready, pollable.at)


def _poll(context: RequestContext, pollables: list[Pollable]) -> list[int]:
    times = [pollable.at for pollable in pollables if pollable.at is not None]
    context.wait_for(lambda: any(p.ready() for p in pollables), min(times, default=None))
    return [index for index, pollable in enumerate(pollables) if pollable.ready()]


def _read(context: RequestContext, stream: InputStream, size: int) -> Variant:
    if size == 0:
        return ok(b"")
    try:
        chunk = stream.read(min(size, CHUNK_BYTES))
    except OSError as failure:
        message = failure.strerror or "input/output error"
        return err(Variant("last-operation-failed", context.own(IoError(message))))
    return ok(chunk) if chunk else err(CLOSED)


def _skip(_context: RequestContext, stream: InputStream, size: int) -> Variant:
    skipped = len(stream.read(min(size, CHUNK_BYTES)))
    return ok(skipped) if skipped or not size else err(CLOSED)


def _subscribe(context: RequestContext, _stream: Resource) -> object:
    return context.own(Pollable())


def _write(_context: RequestContext, stream: OutputStream, data: bytes) -> Variant:
    stream.write(data)
    return ok()


def _write_zeroes(_context: RequestContext, stream: OutputStream, size: int) -> Variant:
    stream.write(bytes(min(size, CHUNK_BYTES)))
    return ok()


def _splice(_context: RequestContext, stream: OutputStream, source: InputStream, size: int) -> Variant:
    chunk = source.read(min(size, CHUNK_BYTES))
    if not chunk and size:
        return err(CLOSED)
    stream.write(chunk)
    return ok(len(chunk))


def _flush(_context: RequestContext, _stream: OutputStream) -> Variant:
    return ok()


INTERFACES: Final = (
    Interface(
        "wasi:io/error@0.2.0",
        {"error": IoError},
        {"[method]error.to-debug-string": lambda _, failure: failure.message},
    ),
    Interface(
        "wasi:io/poll@0.2.0",
        {"pollable": Pollable},
        {
            "[method]pollable.ready": lambda _, pollable: pollable.ready(),
            "[method]pollable.block": _block,
            "poll": _poll,
        },
    ),
    Interface(
        "wasi:io/streams@0.2.0",
        {"input-stream": InputStream, "output-stream": OutputStream},
        {
            "[method]input-stream.read": _read,
            "[method]input-stream.blocking-read": _read,
            "[method]input-stream.skip": _skip,
            "[method]input-stream.blocking-skip": _skip,
            "[method]input-stream.subscribe": _subscribe,
            "[method]output-stream.subscribe": _subscribe,
            "[method]output-stream.check-write": lambda _, _stream: ok(CHUNK_BYTES),
            "[method]output-stream.write": _write,
            "[method]output-stream.blocking-write-and-flush": _write,
            "[method]output-stream.flush": _flush,
            "[method]output-stream.blocking-flush": _flush,
            "[method]output-stream.write-zeroes": _write_zeroes,
            "[method]output-stream.blocking-write-zeroes-and-flush": _write_zeroes,
            "[method]output-stream.splice": _splice,
            "[method]output-stream.blocking-splice": _splice,
        },
    ),
)
