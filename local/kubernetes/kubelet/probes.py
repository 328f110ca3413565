"""Readiness and liveness probes over HTTP, with Kubernetes' counting.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpcore

from local.kubernetes.machinery.resources import Json

_EAGER_FIRST_SECONDS = 0.05
_EAGER_MOST_SECONDS = 1.0


@dataclass(frozen=True)
class ProbeTimes:
    """The numbers of a probe, with Kubernetes' defaults."""

    initial_delay: float
    timeout: float
    period: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Json) -> "ProbeTimes":
        """Read them from a container's probe."""
        return cls(
            initial_delay=float(probe.get("initialDelaySeconds") or 0),
            timeout=float(probe.get("timeoutSeconds") or 1),
            period=float(probe.get("periodSeconds") or 10),
            successes=int(probe.get("successThreshold") or 1),
            failures=int(probe.get("failureThreshold") or 3),
        )


async def probe_once(probe: Json, port: int, timeout: float) -> str:
    """Try once against a function that listens on ``port`` of this machine; returns what is wrong, or nothing.

    The port that the probe names is the one of the container's own network, where the function listens on 80.
    """
    if "httpGet" not in probe:
        return "only httpGet probes work for functions"
    http_get = probe["httpGet"]
    path = http_get.get("path") or "/"
    headers = [("Host", "127.0.0.1"), ("User-Agent", "kube-probe/1.32"), ("Accept", "*/*"), ("Connection", "close")]
    given = [(header["name"], header["value"]) for header in http_get.get("httpHeaders") or []]
    replaced = {name.lower() for name, _ in given}
    headers = [(name, value) for name, value in headers if name.lower() not in replaced] + given
    url = f"http://127.0.0.1:{port}{path if path.startswith('/') else '/' + path}"
    try:
        async with httpcore.AsyncConnectionPool() as pool, asyncio.timeout(timeout):
            response = await pool.request("GET", url, headers=headers)
    except (httpcore.NetworkError, httpcore.ProtocolError, TimeoutError, OSError) as error:
        late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return f'Get "{url}": {late if isinstance(error, TimeoutError) else str(error) or type(error).__name__}'
    return "" if 200 <= response.status < 400 else f"HTTP probe failed with statuscode: {response.status}"


async def watch_readiness(
    probe: Json, port: int, on_change: Callable[[bool], None], on_failure: Callable[[str], None]
) -> None:
    """Probe for ever; tell when readiness changes, and every failed try that counts.

    Until the initial delay is over a failure says nothing, but a success does: so tries come quickly at first, and a
    function that is up after 0.3 s takes requests then, not after the delay and a period.
    """
    times = ProbeTimes.of(probe)
    loop = asyncio.get_running_loop()
    grace_ends = loop.time() + times.initial_delay
    pause, ready, in_a_row, failed_before = _EAGER_FIRST_SECONDS, False, 0, True
    while True:
        problem = await probe_once(probe, port, times.timeout)
        failed = bool(problem)
        in_a_row = in_a_row + 1 if failed is failed_before else 1
        failed_before = failed
        in_grace = not ready and loop.time() < grace_ends
        if failed and not in_grace:
            on_failure(problem)
        if ready is failed and in_a_row >= (times.failures if failed else times.successes):
            ready = not failed
            on_change(ready)
        if in_grace and not ready:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _EAGER_MOST_SECONDS)
        else:
            await asyncio.sleep(times.period)


async def watch_liveness(probe: Json, port: int, on_failure: Callable[[str], None]) -> None:
    """Return when the container is to be restarted: so many failures in a row."""
    times = ProbeTimes.of(probe)
    await asyncio.sleep(times.initial_delay)
    bad = 0
    while True:
        problem = await probe_once(probe, port, times.timeout)
        bad = bad + 1 if problem else 0
        if problem:
            on_failure(problem)
            if bad >= times.failures:
                return
        await asyncio.sleep(times.period)


async def cancel(*tasks: "asyncio.Task[None] | None") -> None:
    """Cancel tasks and wait until they are gone."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    for task in running:
        with suppress(asyncio.CancelledError):
            await task
