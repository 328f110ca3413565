"""Faults that tests order: the next matching requests fail, are late, or lose their connection.

    faults = Faults()
    app = create_app(..., faults=faults)
    faults.add("PATCH", r"/spinapps/hello$", status=503, times=2)   # the next two such requests get 503
    faults.add("POST", r"/deployments$", cut="after")               # the write happens, its answer is lost
    faults.add(path=r"/apis/", delay=1.5)                            # late by 1.5 s, then served as usual

A rule is used up after `times` requests (`times=None`: until `clear`). The first rule that matches counts.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Literal

Cut = Literal["before", "after"]

REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass
class Fault:
    """One rule. `delay` in seconds comes first; then `cut` or `status`, when set, take the place of the answer."""

    method: str | None
    path: re.Pattern[str]
    status: int | None
    message: str
    retry_after: int | None
    delay: float
    cut: Cut | None
    times: int | None
    used: int = 0
    """How many requests the rule has hit."""

    @property
    def reason(self) -> str:
        """The Status reason that goes with `status`."""
        return REASONS.get(self.status or 0, "InternalError")


class Faults:
    """The rules of one server. Any thread may add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(
        self,
        method: str | None = None,
        path: str = "",
        *,
        status: int | None = None,
        message: str = "injected fault",
        retry_after: int | None = None,
        delay: float = 0.0,
        cut: Cut | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Add a rule; `path` is a regular expression searched in the URL's path. The rule counts its hits in `used`."""
        fault = Fault(method, re.compile(path), status, message, retry_after, delay, cut, times)
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The rule for this request, counted as used."""
        with self._lock:
            for fault in self._rules:
                if fault.times is not None and fault.used >= fault.times:
                    continue
                if fault.method in (None, method) and fault.path.search(path):
                    fault.used += 1
                    return fault
        return None
