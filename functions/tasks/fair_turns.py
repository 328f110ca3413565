"""Whose turn it is: the one rule by which builds that wait for a build slot get one.

A workspace's next build goes before another's if its workspace has fewer builds that run or would begin before it. Of
equals, whoever has just given a slot back goes last, and the older one first. So free slots go round the workspaces,
a workspace that sends five hundred builds makes the others wait for one build each at most, also where there is one
slot in all, and a workspace that is alone gets every slot. Nobody starves: what runs ends, and then a workspace without
a running build is served by the age of its oldest build.
See docs/decisions/0073-build-slots.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from functions.contracts.task import TaskKey


def in_turn(waiting: Iterable[TaskKey], running: Mapping[str, int], gave_back: str | None = None) -> list[TaskKey]:
    """Return all that wait in the order in which they begin if no build ended and none came.

    Parameters
    ----------
    waiting
        Builds that wait, in any order. Their ids sort by age: older ones are less.
    running
        Slots that each workspace holds; workspaces without any may be missing.
    gave_back
        The workspace whose build gave a slot back last.
    """
    before = Counter(running)
    turns = []
    for build in sorted(waiting, key=lambda build: build.task_id):
        turns.append((before[build.workspace_id], build.workspace_id == gave_back, build.task_id, build))
        before[build.workspace_id] += 1
    return [build for *_, build in sorted(turns, key=lambda turn: turn[:3])]
