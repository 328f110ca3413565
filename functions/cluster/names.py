"""Kubernetes objects as JSON, and the names they are found by."""

from dataclasses import dataclass
from typing import Any, Self

Object = dict[str, Any]
"""A Kubernetes object as JSON: the API's own names, nothing converted, nothing lost on the way back."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """Where an object is: the same pair names an app, its Deployment, its Service and its autoscaler."""

    namespace: str
    """Empty for objects outside of namespaces."""
    name: str

    @classmethod
    def of(cls, found: Object) -> Self:
        """Name an object that was read."""
        return cls(found["metadata"]["namespace"], found["metadata"]["name"])

    def __str__(self) -> str:
        """Write the name as messages do: ``'my-app' in namespace 'team-a'``."""
        return f"'{self.name}' in namespace '{self.namespace}'" if self.namespace else f"'{self.name}'"
