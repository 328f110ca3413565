"""`kubectl logs`: the API server asks the kubelet, which reads what the function printed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.kubernetes.api.errors import bad_request
from local.kubernetes.api.handlers import LogOptions
from local.kubernetes.kubelet.logs import LogFolder, parse_line
from local.kubernetes.machinery.resources import Json

FOLLOW_SECONDS = 0.25


def read_pod_log(logs: LogFolder, pod: Json, options: LogOptions) -> str | AsyncIterator[bytes]:
    """Read a pod's log, whole or followed to its end. Raises ApiError 400 when there is none."""
    path = _path(logs, pod, options)
    if options.follow:
        return _follow(path, options)
    text = _shown(path.read_text("utf-8", "replace").splitlines(), options)
    return text if options.limit_bytes is None else text.encode()[: options.limit_bytes].decode("utf-8", "ignore")


def _path(logs: LogFolder, pod: Json, options: LogOptions) -> Path:
    meta = pod["metadata"]
    names = [container["name"] for container in pod["spec"]["containers"]]
    if options.container is None and len(names) > 1:
        raise bad_request(
            f"a container name must be specified for pod {meta['name']}, choose one of: [{' '.join(names)}]"
        )
    name = options.container or names[0]
    if name not in names:
        raise bad_request(f"container {name} is not valid for pod {meta['name']}")
    path = logs.path(meta["namespace"], meta["name"], meta["uid"], name, previous=options.previous)
    if path is not None:
        return path
    if options.previous:
        raise bad_request(f'previous terminated container "{name}" in pod "{meta["name"]}" not found')
    statuses = pod.get("status", {}).get("containerStatuses") or []
    states = [status["state"].get("waiting", {}) for status in statuses if status["name"] == name]
    reason = next((state["reason"] for state in states if state), "ContainerCreating")
    raise bad_request(f'container "{name}" in pod "{meta["name"]}" is waiting to start: {reason}')


def _shown(raw_lines: list[str], options: LogOptions) -> str:
    lines = [parse_line(raw) for raw in raw_lines]
    if options.since_seconds is not None:
        since = (datetime.now(UTC) - timedelta(seconds=options.since_seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        lines = [line for line in lines if line.stamp >= since]
    if options.since_time is not None:
        lines = [line for line in lines if line.stamp[: len("2026-01-02T03:04:05")] >= options.since_time[:-1]]
    if options.tail_lines is not None:
        lines = list(deque(lines, maxlen=options.tail_lines))
    return "".join(f"{line.stamp} {line.text}\n" if options.timestamps else f"{line.text}\n" for line in lines)


async def _follow(path: Path, options: LogOptions) -> AsyncIterator[bytes]:
    """Yield what is there, then what comes, until the container's log is gone or a new run has begun."""
    with path.open("rb") as file:
        yield _shown(file.read().decode("utf-8", "replace").splitlines(), options).encode()
        rest = b""
        while True:
            rest += file.read()
            *lines, rest = rest.split(b"\n")
            for raw in lines:
                line = parse_line(raw.decode("utf-8", "replace"))
                yield (f"{line.stamp} {line.text}\n" if options.timestamps else f"{line.text}\n").encode()
            newer = path.with_name(f"{int(path.stem) + 1}.log")
            if not path.exists() or newer.exists():
                return
            await asyncio.sleep(FOLLOW_SECONDS)
