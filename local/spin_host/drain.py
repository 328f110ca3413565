"""Shutting down without losing a request, for rolling updates.

On SIGTERM a pod is being taken out of its Service, but callers learn that a moment later. So the process goes on
answering, says ``Connection: close`` with every answer so that kept connections end, and stops listening only when
nothing is under way and nothing new has come for `QUIET_SECONDS`; at the latest after the grace time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn

QUIET_SECONDS: Final = 0.5
"""Without a new request for this long, no caller thinks any more that this pod takes requests."""


class Drain:
    """Requests under way, and whether the process is on its way out. Touched by the event loop's thread only."""

    def __init__(self, grace: float) -> None:
        """``grace``: seconds from SIGTERM until the process ends regardless."""
        self._grace = grace
        self._began: float | None = None
        self._last = 0.0
        self.under_way = 0
        self.cut_off = False
        """Whether the grace time ran out on requests that were still under way."""

    @property
    def draining(self) -> bool:
        """Whether SIGTERM has come."""
        return self._began is not None

    def begin(self) -> None:
        """SIGTERM has come."""
        if self._began is None:
            self._began = self._last = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around each request."""
        self.under_way += 1
        self._last = time.monotonic()
        try:
            yield
        finally:
            self.under_way -= 1

    def finished(self) -> bool:
        """Whether the process may stop listening."""
        if self._began is None:
            return False
        now = time.monotonic()
        if self.under_way == 0 and now - self._last >= QUIET_SECONDS:
            return True
        over = now - self._began >= self._grace
        self.cut_off = over and self.under_way > 0
        return over


class DrainingServer(uvicorn.Server):
    """uvicorn that goes on serving after SIGTERM until its `Drain` is finished."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
        """First signal: drain. Second: leave at once, as someone at a terminal means it."""
        if self._drain.draining:
            self.should_exit = self.force_exit = True
        self._drain.begin()

    async def on_tick(self, counter: int) -> bool:
        """Say whether to stop; uvicorn asks ten times a second."""
        return await super().on_tick(counter) or self._drain.finished()
