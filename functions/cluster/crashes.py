"""The last error of a function, found in what it has printed.

The Spin SDK prints Python's traceback of an exception that a handler raises; the runtime prints the trap of a component
that stopped, which names no line of the app.
"""

import re
from collections.abc import Sequence
from typing import Final

from functions.cluster import logs
from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, shorten
from functions.cluster.logs import Line
from functions.cluster.names import Object, ObjectName
from functions.cluster.timestamps import ago
from functions.models.apps import PodProblem
from functions.telemetry import logger

_TRACEBACK: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r' +File "(?:/\d+/)?(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?')
"""componentize-py mounts the sources' folders as ``/0``, ``/1``, …."""
_SDK: Final = "spin_sdk/"
_NOT_THE_APPS: Final = (_SDK, "<frozen ", "/python/", "python3.")
_TRAP: Final = re.compile(r"wasm trap: (?P<reason>.+)$")
_LINES_OF_A_TRAP: Final = 60
_LEFT_TO_RUNTIME: Final = "Python function threw an unexpected exception"
"""componentize-py's words before it stops the component, after the traceback."""
_MOST_REPLICAS: Final = 3
"""Replicas whose logs are looked into: each costs a call, and they fail for the same reason."""
_MOST_LINES: Final = 500
_SECONDS: Final = 3600
"""How far back an error is looked for, in lines and seconds."""


def crashes_of(cluster: Cluster, app: ObjectName, pods: Sequence[Object]) -> list[PodProblem]:
    """Return the last error of the function in each of the newest replicas; none if the logs cannot be read."""
    query = logs.LogQuery(tail=_MOST_LINES, since=ago(_SECONDS))
    try:
        log = logs.read(cluster, app, pods, query, most=_MOST_REPLICAS)
    except ClusterError as error:
        logger.warning("logs not read", reason=str(error))
        return []
    return [
        PodProblem(pod=replica.name, reason="FunctionCrashed", message=crash)
        for replica in log.replicas
        if (crash := last_crash(replica.lines)) is not None
    ]


def last_crash(lines: Sequence[Line]) -> str | None:
    """Return the newest error in a replica's lines, with where and when it was; None if there is none."""
    for index in reversed(range(len(lines))):
        line = lines[index]
        if line.text.strip() == _TRACEBACK:
            return _of_traceback(lines[index:])
        trap = _TRAP.search(line.text)
        before = lines[max(0, index - _LINES_OF_A_TRAP) : index]
        if trap is not None and not any(each.text == _LEFT_TO_RUNTIME for each in before):
            return _sentence(f"The function stopped without a Python error (wasm trap: {trap['reason']}).", line)
    return None


def _of_traceback(lines: Sequence[Line]) -> str:
    frames: list[re.Match[str]] = []
    error = "A Python error"
    for line in lines[1:]:
        if (frame := _FRAME.match(line.text)) is not None:
            frames.append(frame)
        elif line.text and not line.text.startswith(" "):
            error = line.text
            break
    own = [frame for frame in frames if not any(part in frame["file"] for part in _NOT_THE_APPS)]
    place = f" ({_place((own or frames)[-1])})" if frames else ""
    # The SDK reads the response that handle_request returned: what goes wrong there was wrong with the response.
    hint = " Does handle_request return a Response?" if not own and frames and _SDK in frames[-1]["file"] else ""
    return _sentence(f"{error}{place}.{hint}", lines[0])


def _place(frame: re.Match[str]) -> str:
    return f"{frame['file']}:{frame['line']}" + (f", in {frame['function']}" if frame["function"] else "")


def _sentence(text: str, line: Line) -> str:
    return f"{shorten(text)} At {line.at[:19]}Z"
