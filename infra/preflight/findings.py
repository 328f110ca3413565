"""What a check answers: fine, not fine and what to do, or could not be asked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError


class State(StrEnum):
    """How a finding reads in front of its line."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_ASKED = "could not be asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was seen, and what to do where that is not as it must be."""

    state: State
    subject: str
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.state}: {self.subject}: {self.seen}"
        return f"{line}\n    {self.remedy}" if self.remedy else line


Check: TypeAlias = Callable[[], Iterable[Finding]]


def ok(subject: str, seen: str) -> Finding:
    """As it must be."""
    return Finding(State.OK, subject, seen)


def problem(subject: str, seen: str, remedy: str) -> Finding:
    """Something would go wrong."""
    return Finding(State.PROBLEM, subject, seen, remedy)


def not_asked(subject: str, why: str, remedy: str) -> Finding:
    """Nobody can say from here."""
    return Finding(State.NOT_ASKED, subject, why, remedy)


def run(subject: str, check: Check) -> Iterator[Finding]:
    """The findings of one check; an AWS API that refuses or does not answer is a finding, too."""
    try:
        yield from check()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        yield not_asked(subject, f"{error.operation_name} answered {code}", "Ask somebody whose credentials may.")
    except BotoCoreError as error:
        yield not_asked(subject, type(error).__name__, "Check the network and the region, then run this again.")
