"""Findings of checks: in order, a problem with its remedy, or not checked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError


class State(StrEnum):
    """The state of a finding, as printed before its line."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_ASKED = "could not be asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the report: subject, observation and, for a problem, the remedy."""

    state: State
    subject: str
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.state}: {self.subject}: {self.seen}"
        return f"{line}\n    {self.remedy}" if self.remedy else line


Check: TypeAlias = Callable[[], Iterable[Finding]]


def ok(subject: str, seen: str) -> Finding:
    """Return a finding that is in order."""
    return Finding(State.OK, subject, seen)


def problem(subject: str, seen: str, remedy: str) -> Finding:
    """Return a finding that would make the deploy fail."""
    return Finding(State.PROBLEM, subject, seen, remedy)


def not_asked(subject: str, why: str, remedy: str) -> Finding:
    """Return a finding that could not be checked."""
    return Finding(State.NOT_ASKED, subject, why, remedy)


def run(subject: str, check: Check) -> Iterator[Finding]:
    """Return the findings of one check. An AWS API that refuses or does not respond is a finding, too."""
    try:
        yield from check()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        yield not_asked(subject, f"{error.operation_name} answered {code}", "Ask somebody whose credentials may.")
    except BotoCoreError as error:
        yield not_asked(subject, type(error).__name__, "Check the network and the region, then run this again.")
