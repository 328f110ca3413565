"""The one-machine cloud beside a command: started and stopped, or the one that runs already."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.session import Session

_PAUSE_SECONDS: Final = 0.25
Check = Callable[[], None]
"""Raises when the cloud has ended."""


@contextlib.contextmanager
def beside(session: Session, command: Callable[[], Sequence[str]]) -> Iterator[Check]:
    """Have a cloud answer at the session's address for as long as the block lasts.

    One that answers there already is used, and left as it is.

    Parameters
    ----------
    command
        Gives what starts one.

    Raises
    ------
    BlueError
        It does not start.
    """
    if _answers(session):
        session.output.say(f"Using the cloud that runs at {session.settings.url}")
        yield lambda: None
        return
    # In a group of its own: Ctrl-C is for this command, which ends the cloud after what uses it.
    process = subprocess.Popen([*command()], stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0)

    def check() -> None:
        if process.poll() is not None:
            raise BlueError("The one-machine cloud has ended; it says why above", Exit.NO_ANSWER)

    try:
        with _ended_like_ctrl_c():
            while not _answers(session):
                check()
                time.sleep(_PAUSE_SECONDS)
            yield check
    finally:
        _stop(process)


def _answers(session: Session) -> bool:
    try:
        session.api.health()
    except BlueError:
        return False
    return True


@contextlib.contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let a closed terminal and ``kill`` end the command as Ctrl-C does: with the cloud."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        _signal(process, signal.SIGTERM)
        process.wait()
    except KeyboardInterrupt:  # a second Ctrl-C: at once, then
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
