"""The audit log: one line for each write, successful or not, and for each read that was refused.

A line is an entry of the function's own log with the key ``audit``: ``who`` did ``what``, ``from`` where, in which
``workspace`` and ``on`` what, whether the policy ``allowed`` it or it was ``refused``, and with which ``status`` it was
answered.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Self

from functions.telemetry import logger
from functions.tenancy.caller import Caller

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_PATH: Final = 512


@dataclass
class AuditEntry:
    """One line, filled in while the request is carried out."""

    who: str
    what: str
    source: str
    """Where the request came from: an IP address, or a service."""
    reads: bool = False
    workspace_id: str | None = None
    decision: str | None = None
    on: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    """Of the answer; None where there is nobody to answer."""

    @classmethod
    def of_request(cls, event: Mapping[str, Any]) -> Self:
        """Begin the entry of an API Gateway event."""
        http: Mapping[str, Any] = (event.get("requestContext") or {}).get("http") or {}
        method, path = str(http.get("method", "")), str(event.get("rawPath", ""))[:_LONGEST_PATH]
        source = str(http.get("sourceIp", ""))
        return cls(Caller.of(event).name, f"{method} {path}", source, reads=method in _READS)

    @classmethod
    def of_upload(cls, detail: Mapping[str, Any], key: str) -> Self:
        """Begin the entry of an object that was put into the bucket, from EventBridge's ``detail``.

        S3 tells the account of who put it, and no more: the bucket's own policies say who may put what where.
        """
        return cls(str(detail.get("requester", "")), f"PUT s3:{key}", str(detail.get("source-ip-address", "")))

    def write(self) -> None:
        """Write the line; a request that no policy was asked about has been refused before that."""
        if self.reads and self.decision != "refused":
            return
        line = {
            "who": self.who,
            "what": self.what,
            "from": self.source,
            "workspace": self.workspace_id,
            "on": self.on or None,
            "decision": self.decision or "refused",
            "status": self.status,
        }
        logger.info("audit", extra={"audit": {name: value for name, value in line.items() if value is not None}})


_current: ContextVar[AuditEntry | None] = ContextVar("audit", default=None)


@contextmanager
def recording(entry: AuditEntry) -> Iterator[None]:
    """Have `allowed`, `refused` and `note` fill in this entry, and write it in the end, whatever happens."""
    token = _current.set(entry)
    try:
        yield
    finally:
        _current.reset(token)
        entry.write()


def allowed(workspace_id: str | None = None) -> None:
    """Note that the policy allows the request; a refusal before stays one."""
    _decide("allowed", workspace_id)


def refused(workspace_id: str | None = None) -> None:
    """Note that the policy refuses the request."""
    _decide("refused", workspace_id)


def note(**on: str) -> None:
    """Note what the request is about, by its ids."""
    entry = _current.get()
    if entry is not None:
        entry.on |= on


def _decide(decision: str, workspace_id: str | None) -> None:
    entry = _current.get()
    if entry is None:
        return
    if entry.decision != "refused":
        entry.decision = decision
    entry.workspace_id = workspace_id or entry.workspace_id
