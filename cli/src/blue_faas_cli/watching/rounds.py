"""One deploy after the other, each with the newest content.

A build that runs is waited for, not cancelled: it takes a second or two on one machine, and a cancellation that comes
too late would remove a task that has ended. Waiting for the app to answer ends early, as that may take for ever.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from blue_faas_cli.apps import age
from blue_faas_cli.deployment import Deployed, Plan, built, send, serving
from blue_faas_cli.follow import Deadline
from blue_faas_cli.problems import BlueError
from blue_faas_cli.session import Session

_SECONDS: Final = 900.0


class _NewerError(Exception):
    """There is newer content: nobody waits for the older one."""


@dataclass(frozen=True)
class Round:
    """What one round deploys, and the session that it does so in."""

    session: Session
    plan: Plan


class Rounds:
    """A thread that deploys what it is offered.

    Parameters
    ----------
    show
        Is told what each round has come to, in that thread.
    """

    def __init__(self, show: Callable[[Session, Deployed], None]) -> None:
        self._show = show
        self._condition = threading.Condition()
        self._next: Round | None = None
        self._last: Plan | None = None
        # It ends with the command.
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise when the thread has ended, which is a fault of `blue`."""
        if not self._thread.is_alive():
            raise RuntimeError("nothing is deployed any more")

    def offer(self, offered: Round) -> None:
        """Have something deployed next, unless it is what was offered last."""
        with self._condition:
            if offered.plan.same_as(self._last):
                return
            self._last, self._next = offered.plan, offered
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._next is not None)
                current, self._next = self._next, None
            if current is not None:
                self._deploy(current)

    def _deploy(self, current: Round) -> None:
        session, started = current.session, time.monotonic()
        try:
            task_id, _ = send(session, current.plan)
            task = built(session, current.plan, task_id, Deadline(_SECONDS, "The build"))
            deployed = serving(session, current.plan, task, _RoundDeadline(self._condition, self._has_newer))
        except _NewerError:
            session.output.say("There is newer content")
        except BlueError as error:
            session.output.error(str(error))
        else:
            session.output.say(f"{deployed.app.typed.app_name} is available, {age(started)}")
            self._show(session, deployed)

    def _has_newer(self) -> bool:
        return self._next is not None


class _RoundDeadline(Deadline):
    """A deadline that newer content ends."""

    def __init__(self, condition: threading.Condition, has_newer: Callable[[], bool]) -> None:
        super().__init__(_SECONDS, "The deployment")
        self._condition = condition
        self._has_newer = has_newer

    def pause(self) -> None:
        """Wait until the next look, or until there is newer content."""
        self.wait()
        with self._condition:
            if self._condition.wait_for(self._has_newer, timeout=1):
                raise _NewerError
