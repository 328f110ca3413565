"""Time as the Kubernetes API writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(moment: datetime | None = None) -> str:
    """RFC 3339 in UTC, whole seconds (`metav1.Time`); now when no moment is given."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """Parse a timestamp. Raises ValueError when it is none."""
    return datetime.fromisoformat(text)
