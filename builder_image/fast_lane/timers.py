"""The host functions by which an app waits while it is imported: pollables that become ready at a time.

CPython asks for one when it loads ``selectors`` (``poll`` with a timeout of zero), ``time.sleep`` for others.
Signatures are the canonical ABI's of wasi:clocks/monotonic-clock@0.2.0 and wasi:io/poll@0.2.0.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import wasmtime

from fast_lane.errors import RefusedError

_CLOCK: Final = "wasi:clocks/monotonic-clock@0.2.0#"
_POLL: Final = "wasi:io/poll@0.2.0#"
_LONGEST_SECONDS: Final = 1e6
"""No import may take as long."""
_I32, _I64 = wasmtime.ValType.i32, wasmtime.ValType.i64


class Timers:
    """The pollables of one run.

    Parameters
    ----------
    allocate
        Answers the address of so many bytes in the app's memory.
    write
        Puts bytes at an address, or raises.
    read
        Takes so many bytes from an address, or raises.
    """

    def __init__(
        self,
        allocate: Callable[[int], int],
        write: Callable[[bytes, int], None],
        read: Callable[[int, int], bytes],
    ) -> None:
        self._allocate = allocate
        self._write = write
        self._read = read
        self._due: dict[int, float] = {}
        self._last = 0

    def define(self, linker: wasmtime.Linker, module: str) -> None:
        """Define the functions under the host's module name."""
        functions: list[tuple[str, list[Any], list[Any], Callable[..., Any]]] = [
            (f"{_CLOCK}subscribe-duration", [_I64()], [_I32()], self._subscribe_duration),
            (f"{_POLL}[resource-drop]pollable", [_I32()], [], self._drop),
            (f"{_POLL}[method]pollable.ready", [_I32()], [_I32()], self._ready),
            (f"{_POLL}[method]pollable.block", [_I32()], [], self._block),
            (f"{_POLL}poll", [_I32(), _I32(), _I32()], [], self._poll),
        ]
        for name, parameters, results, function in functions:
            linker.define_func(module, name, wasmtime.FuncType(parameters, results), function)

    def _subscribe_duration(self, nanoseconds: int) -> int:
        self._last += 1
        self._due[self._last] = time.monotonic() + (nanoseconds & 0xFFFFFFFF_FFFFFFFF) / 1e9
        return self._last

    def _drop(self, pollable: int) -> None:
        self._moment(pollable)
        del self._due[pollable]

    def _ready(self, pollable: int) -> int:
        return int(self._moment(pollable) <= time.monotonic())

    def _block(self, pollable: int) -> None:
        _wait(self._moment(pollable))

    def _poll(self, addresses: int, count: int, result: int) -> None:
        handles = memoryview(self._read(addresses, 4 * count)).cast("I")
        due = [self._moment(handle) for handle in handles]
        if not due:
            raise RefusedError("waits for nothing")
        _wait(min(due))
        now = time.monotonic()
        ready = [index for index, moment in enumerate(due) if moment <= now]
        listed = b"".join(index.to_bytes(4, "little") for index in ready)
        address = self._allocate(len(listed))
        self._write(listed, address)
        self._write(address.to_bytes(4, "little") + len(ready).to_bytes(4, "little"), result)

    def _moment(self, pollable: int) -> float:
        """When it is ready. Only an app that has written over the interpreter asks for one that it has not got."""
        try:
            return self._due[pollable]
        except KeyError:
            raise RefusedError("damages the interpreter") from None


def _wait(moment: float) -> None:
    time.sleep(min(max(0.0, moment - time.monotonic()), _LONGEST_SECONDS))
