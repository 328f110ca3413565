"""Clients that send one request after the other, so many at a time, and what their answers took."""

import asyncio
import collections
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

Send = Callable[[httpx.AsyncClient, int], "asyncio.Future[httpx.Response]"]
"""Send request number N."""
_TIMEOUT: Final = 120


@dataclass(slots=True)
class Answers:
    """What came back, in the order of the answers."""

    seconds: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    """When, on ``time.monotonic``."""
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    elapsed: float = 0.0

    @property
    def errors(self) -> int:
        """Answers that are none of 2xx."""
        return sum(number for status, number in self.statuses.items() if not httpx.codes.is_success(status))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        return percentile(self.seconds, share)

    def between(self, begin: float, end: float) -> list[float]:
        """Seconds of the answers that came in this span of ``time.monotonic``."""
        return [seconds for seconds, at in zip(self.seconds, self.at, strict=True) if begin <= at < end]


def rates(answers: Answers, parts: int) -> list[float]:
    """Return the answers a second of so many parts of the time."""
    first, last = answers.at[0], answers.at[-1]
    length = (last - first) / parts
    return [len(answers.between(first + part * length, first + (part + 1) * length)) / length for part in range(parts)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of ``values`` does not exceed (nearest rank); NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


async def send(
    url: str,
    clients: int,
    make: Send,
    *,
    requests: int | None = None,
    until: Callable[[], bool] | None = None,
    rise_seconds: float = 0.0,
) -> Answers:
    """Send ``requests`` in all, or until ``until`` says so, from ``clients`` at a time.

    A request that is not answered at all counts with status 0. Clients begin ``rise_seconds`` one after the other.
    """
    answers = Answers()
    numbers = iter(range(requests)) if requests is not None else iter(int, 1)
    limits = httpx.Limits(max_connections=clients)

    async def client(http: httpx.AsyncClient, place: int) -> None:
        await asyncio.sleep(place * rise_seconds)
        for number in numbers:
            if until is not None and until():
                return
            began = time.monotonic()
            try:
                status = (await make(http, number)).status_code
            except httpx.HTTPError:
                status = 0
            now = time.monotonic()
            answers.seconds.append(now - began)
            answers.at.append(now)
            answers.statuses[status] += 1

    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, limits=limits) as http:
        began = time.monotonic()
        await asyncio.gather(*(client(http, place) for place in range(clients)))
        answers.elapsed = time.monotonic() - began
    return answers
