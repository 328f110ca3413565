"""The ``componentize-py`` that builds find: the fast lane if it can, else the real one with the same words.

What it says stands in the build log: which way a component was made, and why not the other.
"""

import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fast_lane.errors import RefusedError
from fast_lane.installation import APP, Base, Installation, NotMadeError
from fast_lane.request import DeclinedError, Request, read
from fast_lane.surroundings import SDK, folders
from fast_lane.time_limit import time_limit

if TYPE_CHECKING:
    from fast_lane.machine import Machine

_SECONDS: Final = 300
"""Like the sandbox's limit on a whole build (builder/settings.py, build_seconds): for who builds without a sandbox."""
_GUEST: Final = "import {name}\n{name}.{call}\ndel {name}"
"""Leaves no name behind in ``__main__``."""


def main(toolchain: Path, arguments: Sequence[str]) -> int:
    """Do what componentize-py would do with these arguments; does not return when it is the real one that does it."""
    started = time.monotonic()
    installation = Installation(toolchain)
    try:
        request = read(arguments)
        base = installation.load()
        status = _build(installation, base, request)
    except (DeclinedError, NotMadeError) as reason:
        _say(f"full build: {_sentence(reason)}", quiet="-q" in arguments or "--quiet" in arguments)
        os.execv(installation.real, [str(installation.real), *arguments])  # noqa: S606 - the real one, unchanged
    if status == 0:
        _say(f"fast lane: {request.output.name} in {time.monotonic() - started:.2f} seconds", quiet=request.quiet)
        if not request.quiet:
            print("Component built successfully")  # noqa: T201 - as componentize-py does
    return status


def _build(installation: Installation, base: Base, request: Request) -> int:
    """Exit status: 0, or 1 when the app cannot be imported."""
    own = folders(request, os.environ, base)
    # Late: half of the time of a build that is declined before would go into loading it.
    import wasmtime

    from fast_lane import bytecode, machine, snapshot

    library = installation.library
    shared = [machine.Mount(library / "python", "python"), machine.Mount(library / "bundled", "bundled")]
    mounts = [
        *shared,
        *(machine.Mount(folder, str(number)) for number, folder in enumerate(own)),
        machine.Mount(library / "wit", f"{len(own) - 1}/{SDK}/wit"),
    ]
    engine = machine.new_engine(platform.machine())

    def start(more: Sequence[machine.Mount]) -> machine.Machine:
        return machine.Machine(installation, base, engine, [*shared, *more], guarded=False)

    late = f"{request.module} was not imported within {_SECONDS} seconds"
    with time_limit(_SECONDS, late), bytecode.made(request.module, own, start) as ahead:
        try:
            run = machine.Machine(
                installation,
                base,
                engine,
                [*mounts, *ahead.mounts],
                guarded=True,
                wait_for_bytecode=ahead.wait_for,
            )
        except (wasmtime.WasmtimeError, KeyError):
            raise DeclinedError("cannot use the compiled base on this processor") from None
        try:
            if not _import(run, request.module, len(own)):
                # As componentize-py writes it, whose readers look for this word.
                text = (run.stdout.content + run.stderr.content).decode("utf-8", "replace")
                sys.stderr.write(f"AssertionError: {text}")
                return 1
            taken = run.snapshot()
        except RefusedError as refused:
            raise DeclinedError(f"{refused} while it is imported") from None
    parts = snapshot.component(installation.component.read_bytes(), taken.memory, taken.stack_pointer)
    with request.output.open("wb") as file:
        file.writelines(parts)
    return 0


def _import(run: "Machine", module: str, mounts: int) -> bool:
    """Import the app and make its handler; False when it raises an exception, which then is printed.

    Raises
    ------
    RefusedError
        It does what only componentize-py can judge.
    """
    with run.running():
        run.run(_guest(f"begin({module!r}, {mounts})"))
        made = run.import_module(module) and run.run(_guest(f"make_handler({module!r})"))
        if not made:
            if not run.run(_guest("explain()")):
                raise RefusedError("meets a limit of the interpreter")
        elif not run.run(_guest("finish()")):
            raise RefusedError("replaces parts of the interpreter")
    if not (run.stdout.complete and run.stderr.complete):
        raise RefusedError("prints a lot")
    return made


def _guest(call: str) -> str:
    """Write a text that calls a function of `guest.blue_faas_base`."""
    return _GUEST.format(name=APP, call=call)


def _sentence(reason: Exception) -> str:
    return f"this app {reason}" if isinstance(reason, DeclinedError) else str(reason)


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        print(f"componentize-py: {text}", file=sys.stderr, flush=True)  # noqa: T201
