"""One call of the Kubernetes API, with what every step of it needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.cluster.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the API server: what to send, what for, and until when."""

    method: str
    path: str
    """Path and query."""
    purpose: str
    """What errors say was to be done: ``read SpinApp 'my-app' in namespace 'team-a'``."""
    namespace: str
    """Namespace of the objects; empty for objects outside of namespaces."""
    deadline: Deadline
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"

    def budget(self, longest: float) -> float:
        """Return the seconds that the next step may take, at most ``longest``.

        Raises
        ------
        TooSlowError
            No time is left.
        """
        return self.deadline.budget(longest, self.purpose)

    def failure(self, reason: str) -> str:
        """Return the message of an error that ended this call."""
        return f"could not {self.purpose}: {reason}"
