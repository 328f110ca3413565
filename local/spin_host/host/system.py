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


class TerminalInput(Resource):
    """``terminal-input``: never handed out, the guest has no terminal."""


class TerminalOutput(Resource):
    """``terminal-output``: never handed out, the guest has no terminal."""


monotonic_clock = Interface("wasi:clocks/monotonic-clock@0.2.0")
wall_clock = Interface("wasi:clocks/wall-clock@0.2.0")
random = Interface("wasi:random/random@0.2.0")
insecure = Interface("wasi:random/insecure@0.2.0")
insecure_seed = Interface("wasi:random/insecure-seed@0.2.0")
environment = Interface("wasi:cli/environment@0.2.0")
exit_ = Interface("wasi:cli/exit@0.2.0")
stdin = Interface("wasi:cli/stdin@0.2.0")
stdout = Interface("wasi:cli/stdout@0.2.0")
stderr = Interface("wasi:cli/stderr@0.2.0")
terminal_input = Interface("wasi:cli/terminal-input@0.2.0", {"terminal-input": TerminalInput})
terminal_output = Interface("wasi:cli/terminal-output@0.2.0", {"terminal-output": TerminalOutput})
terminal_stdin = Interface("wasi:cli/terminal-stdin@0.2.0")
terminal_stdout = Interface("wasi:cli/terminal-stdout@0.2.0")
terminal_stderr = Interface("wasi:cli/terminal-stderr@0.2.0")


@monotonic_clock.function("now")
def _monotonic_now(_context: RequestContext) -> int:
    return time.monotonic_ns()


@monotonic_clock.function("resolution")
def _monotonic_resolution(_context: RequestContext) -> int:
    return 1


@monotonic_clock.function("subscribe-instant")
def _subscribe_instant(context: RequestContext, instant: int) -> object:
    return context.own(Pollable(at=instant / _NANOSECONDS))


@monotonic_clock.function("subscribe-duration")
def _subscribe_duration(context: RequestContext, duration: int) -> object:
    return context.own(Pollable(at=time.monotonic() + duration / _NANOSECONDS))


@wall_clock.function("now")
def _wall_now(_context: RequestContext) -> Record:
    seconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS)
    return record(seconds=seconds, nanoseconds=nanoseconds)


@wall_clock.function("resolution")
def _wall_resolution(_context: RequestContext) -> Record:
    return record(seconds=0, nanoseconds=1)


@random.function("get-random-bytes")
@insecure.function("get-insecure-random-bytes")
def _random_bytes(_context: RequestContext, size: int) -> bytes:
    if size > _MOST_RANDOM_BYTES:
        raise GuestStopped(f"asked for {size} random bytes at once; the limit is {_MOST_RANDOM_BYTES}")
    return os.urandom(size)


@random.function("get-random-u64")
@insecure.function("get-insecure-random-u64")
def _random_u64(_context: RequestContext) -> int:
    return int.from_bytes(os.urandom(8), "big")


@insecure_seed.function("insecure-seed")
def _insecure_seed(context: RequestContext) -> tuple[int, int]:
    return _random_u64(context), _random_u64(context)


@environment.function("get-environment")
def _get_environment(context: RequestContext) -> list[tuple[str, str]]:
    return list(context.services.environment.items())


@environment.function("get-arguments")
def _get_arguments(_context: RequestContext) -> list[str]:
    return []


@environment.function("initial-cwd")
def _initial_cwd(_context: RequestContext) -> Variant:
    return none()


@exit_.function("exit")
def _exit(_context: RequestContext, status: Variant) -> None:
    raise GuestExit("the function exited" + ("" if status.tag == "ok" else " with an error status"))


_print_lock = threading.Lock()


def _writer(descriptor: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        # A reader that has gone away must not fail the request.
        with _print_lock, suppress(OSError):
            while data:
                data = data[os.write(descriptor, data) :]

    return write


@stdin.function("get-stdin")
def _get_stdin(context: RequestContext) -> object:
    return context.own(BytesInput(b""))


@stdout.function("get-stdout")
def _get_stdout(context: RequestContext) -> object:
    return context.own(OutputStream(_writer(1)))


@stderr.function("get-stderr")
def _get_stderr(context: RequestContext) -> object:
    return context.own(OutputStream(_writer(2)))


@terminal_stdin.function("get-terminal-stdin")
@terminal_stdout.function("get-terminal-stdout")
@terminal_stderr.function("get-terminal-stderr")
def _get_terminal(_context: RequestContext) -> Variant:
    return none()


INTERFACES: Final = (
    monotonic_clock,
    wall_clock,
    random,
    insecure,
    insecure_seed,
    environment,
    exit_,
    stdin,
    stdout,
    stderr,
    terminal_input,
    terminal_output,
    terminal_stdin,
    terminal_stdout,
    terminal_stderr,
)
