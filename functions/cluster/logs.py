"""What an app's replicas have printed, as the kubelets of their nodes keep it.

A kubelet keeps the log of the container that runs and of the one before it; what a removed pod printed is gone. Reading
costs one call a replica, and its size is bounded by lines and bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from functions.cluster.client import Cluster
from functions.cluster.errors import InvalidError, MissingError, NotFoundError
from functions.cluster.names import Object, ObjectName
from functions.cluster.parallel import together
from functions.cluster.timestamps import in_utc

MOST_REPLICAS: Final = 10
"""Replicas that one answer has lines of: the newest ones."""
_MOST_BYTES: Final = 1_000_000
"""Of one replica's log; Lambda answers 6 MB for all of them."""
_MOST_CHARACTERS: Final = 2_000_000
_CHARACTERS_AROUND: Final = 160
"""What JSON, the time and the replica's name add to a line."""
_FEWER: Final = 4
_FRAME: Final = re.compile(r"\s*\d+: +0x[0-9a-f]+ - ")
"""A frame of wasmtime's backtrace: it names functions of the Python interpreter, none of the app."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are wanted."""

    tail: int
    """Most lines of an answer, the newest ones."""
    since: str | None = None
    """Only later lines than this time (`timestamps.in_utc`)."""
    previous: bool = False
    """Of the container that ran before, not of the one that runs."""
    replica: str | None = None
    """Only of this pod."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line and when it was printed (`timestamps.in_utc`)."""

    at: str
    replica: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplicaLog:
    """What one replica has printed."""

    name: str
    lines: Sequence[Line] = ()
    cut: bool = False
    """Older lines were left out."""
    note: str | None = None
    """Why there are no lines."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the replicas have printed, in the order of time."""

    replicas: Sequence[ReplicaLog]
    lines: Sequence[Line]
    cut: bool


def read(
    cluster: Cluster, app: ObjectName, pods: Sequence[Object], query: LogQuery, *, most: int = MOST_REPLICAS
) -> Log:
    """Read the logs of an app's pods, of at most ``most`` of them.

    Raises
    ------
    MissingError
        The query names a replica that is not there.
    ClusterError
        The cluster could not be asked.
    """
    newest = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)
    if query.replica is not None:
        newest = [pod for pod in newest if pod["metadata"]["name"] == query.replica]
        if not newest:
            raise MissingError(f"App '{app.name}' in namespace '{app.namespace}' has no replica '{query.replica}'")
    read_pods, left_out = newest[:most], newest[most:]
    logs = together(*(partial(_of_pod, cluster, app, pod, query) for pod in read_pods)) if read_pods else []
    note = f"Not read: an answer has the {most} newest replicas. Name this one with `replica`."
    others = [ReplicaLog(pod["metadata"]["name"], note=note) for pod in left_out]
    lines = sorted((line for log in logs for line in log.lines), key=lambda line: line.at)
    kept = _newest_that_fit(lines, query.tail)
    return Log([*logs, *others], kept, cut=len(kept) < len(lines) or any(log.cut for log in logs))


def _of_pod(cluster: Cluster, app: ObjectName, pod: Object, query: LogQuery) -> ReplicaLog:
    name = pod["metadata"]["name"]
    tail = query.tail
    try:
        text = _text(cluster, app, pod, query, tail)
        # The limit cuts the newest lines off: ask for fewer of them, until they fit.
        while len(text.encode()) >= _MOST_BYTES and tail > 1:
            tail = max(1, tail // _FEWER)
            text = _text(cluster, app, pod, query, tail)
    except (InvalidError, NotFoundError) as error:
        # The container has not started, none ran before it, or the pod is gone: the server's words say which.
        return ReplicaLog(name, note=str(error))
    printed = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []
    lines = [line for raw in printed if (line := _line(name, raw)) is not None]
    if query.since is not None:
        since = query.since
        lines = [line for line in lines if line.at > since]
    return ReplicaLog(name, _without_backtraces(lines), cut=len(printed) >= tail)


def _text(cluster: Cluster, app: ObjectName, pod: Object, query: LogQuery, tail: int) -> str:
    parameters = {
        "container": _container(app, pod),
        "timestamps": "true",
        "tailLines": str(tail),
        "limitBytes": str(_MOST_BYTES),
        "previous": "true" if query.previous else "",
        # Whole seconds are all that the server looks at.
        "sinceTime": f"{query.since[:19]}Z" if query.since is not None else "",
    }
    return cluster.pod_log(ObjectName.of(pod), {name: value for name, value in parameters.items() if value})


def _container(app: ObjectName, pod: Object) -> str:
    """Return the app's own container: SpinKube names it after the app, others may be added beside it."""
    names = [str(container["name"]) for container in pod["spec"]["containers"]]
    return app.name if app.name in names else names[0]


def _line(replica: str, raw: str) -> Line | None:
    stamp, _, text = raw.partition(" ")
    try:
        return Line(in_utc(stamp), replica, text)
    except ValueError:  # cut within the time, by the limit of bytes
        return None


def _without_backtraces(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if not _FRAME.match(line.text)]


def _newest_that_fit(lines: Sequence[Line], most: int) -> Sequence[Line]:
    room, first = _MOST_CHARACTERS, len(lines)
    while first > 0 and len(lines) - first < most:
        room -= len(lines[first - 1].text) + _CHARACTERS_AROUND
        if room < 0:
            break
        first -= 1
    return lines[first:]
