"""What a task is at, in words for a person."""

import datetime

from functions.models.builds import Task

_WORDS = {"type_check": "type check", "unpack": "unpacking", "fetch": "fetching", "store": "storing", "push": "pushing"}


def in_words(task: Task) -> str:
    """Return what a task that has not ended is at."""
    if task.queued:
        ahead = task.queued_ahead or 0
        before = f", {ahead} build{'s' if ahead != 1 else ''} before it" if ahead else ""
        return f"waiting for a build machine{before}"
    if task.step == "upload":
        return "waiting for its source"
    if task.step is None:
        return str(task.status)
    return f"{_WORDS.get(task.step, task.step)}{_lasting(task.step_started_at)}"


def _lasting(since: str | None) -> str:
    """Return for how long, at least: clocks differ, and what is not told is not made up."""
    if since is None:
        return ""
    seconds = (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(since)).total_seconds()
    return f", {seconds:.0f} s" if seconds >= 1 else ""
