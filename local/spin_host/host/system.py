"""``wasi:clocks``, ``wasi:random`` and ``wasi:cli`` at 0.2.0: time, randomness, environment, standard streams.

What the guest prints goes to this process's stdout and stderr as it is: the kubelet turns those into the pod's log.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wasmtime.component import Record, Variant

from local.spin_host.host.abi import GuestExit, GuestStopped, Interface, RequestContext, Resource, none, record
from local.spin_host.host.io import BytesInput, OutputStream, Pollable

_NANOSECONDS: Final = 10**9
_MOST_RANDOM_BYTES: Final = 1 << 20
_print_lock = threading.Lock()


class TerminalInput(Resource):
    """``terminal-input``: never handed out, the guest has no terminal."""


class TerminalOutput(Resource):
    """``terminal-output``: never handed out, the guest has no terminal."""


def _wall_clock(_context: RequestContext) -> Record:
    seconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS)
    return record(seconds=seconds, nanoseconds=nanoseconds)


def _random_bytes(_context: RequestContext, size: int) -> bytes:
    if size > _MOST_RANDOM_BYTES:
        raise GuestStopped(f"asked for {size} random bytes at once; the limit is {_MOST_RANDOM_BYTES}")
    return os.urandom(size)


def _random_u64(_context: RequestContext) -> int:
    return int.from_bytes(os.urandom(8), "big")


def _exit(_context: RequestContext, status: Variant) -> None:
    raise GuestExit("the function exited" + ("" if status.tag == "ok" else " with an error status"))


def _printer(descriptor: int) -> Callable[[RequestContext], object]:
    def write(data: bytes) -> None:
        # A reader that has gone away must not fail the request.
        with _print_lock, suppress(OSError):
            while data:
                data = data[os.write(descriptor, data) :]

    return lambda context: context.own(OutputStream(write))


def _nothing(_context: RequestContext) -> Variant:
    return none()


INTERFACES: Final = (
    Interface(
        "wasi:clocks/monotonic-clock@0.2.0",
        functions={
            "now": lambda _: time.monotonic_ns(),
            "resolution": lambda _: 1,
            "subscribe-instant": lambda context, at: context.own(Pollable(at=at / _NANOSECONDS)),
            "subscribe-duration": lambda context, duration: context.own(
                Pollable(at=time.monotonic() + duration / _NANOSECONDS)
            ),
        },
    ),
    Interface(
        "wasi:clocks/wall-clock@0.2.0",
        functions={"now": _wall_clock, "resolution": lambda _: record(seconds=0, nanoseconds=1)},
    ),
    Interface("wasi:random/random@0.2.0", functions={"get-random-bytes": _random_bytes, "get-random-u64": _random_u64}),
    Interface(
        "wasi:random/insecure@0.2.0",
        functions={"get-insecure-random-bytes": _random_bytes, "get-insecure-random-u64": _random_u64},
    ),
    Interface(
        "wasi:random/insecure-seed@0.2.0",
        functions={"insecure-seed": lambda context: (_random_u64(context), _random_u64(context))},
    ),
    Interface(
        "wasi:cli/environment@0.2.0",
        functions={
            "get-environment": lambda context: list(context.services.environment.items()),
            "get-arguments": lambda _: [],
            "initial-cwd": _nothing,
        },
    ),
    Interface("wasi:cli/exit@0.2.0", functions={"exit": _exit}),
    Interface("wasi:cli/stdin@0.2.0", functions={"get-stdin": lambda context: context.own(BytesInput(b""))}),
    Interface("wasi:cli/stdout@0.2.0", functions={"get-stdout": _printer(1)}),
    Interface("wasi:cli/stderr@0.2.0", functions={"get-stderr": _printer(2)}),
    Interface("wasi:cli/terminal-input@0.2.0", {"terminal-input": TerminalInput}),
    Interface("wasi:cli/terminal-output@0.2.0", {"terminal-output": TerminalOutput}),
    Interface("wasi:cli/terminal-stdin@0.2.0", functions={"get-terminal-stdin": _nothing}),
    Interface("wasi:cli/terminal-stdout@0.2.0", functions={"get-terminal-stdout": _nothing}),
    Interface("wasi:cli/terminal-stderr@0.2.0", functions={"get-terminal-stderr": _nothing}),
)
