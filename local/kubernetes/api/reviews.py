"""Questions about oneself: ``kubectl auth can-i`` and ``kubectl auth whoami``. Nothing is stored."""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.authentication import User
from local.kubernetes.api.authorization import Attributes, Authorizer
from local.kubernetes.api.errors import bad_request


def review(plural: str, body: Any, user: User, authorizer: Authorizer | None) -> dict[str, Any]:
    """The review with its status filled in. Raises ApiError 400."""
    if not isinstance(body, dict):
        raise bad_request("the body must be a review object")
    if plural == "selfsubjectreviews":
        return body | {"status": {"userInfo": {"username": user.name, "groups": list(user.all_groups())}}}
    spec = body.get("spec") or {}
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if isinstance(asked, dict):
        attributes = Attributes(
            verb=asked.get("verb", ""),
            group=asked.get("group", ""),
            resource=asked.get("resource", ""),
            subresource=asked.get("subresource", ""),
            namespace=asked.get("namespace", ""),
            name=asked.get("name", ""),
        )
    elif isinstance(path, dict):
        attributes = Attributes(verb=path.get("verb", ""), path=path.get("path", ""))
    else:
        raise bad_request("exactly one of spec.resourceAttributes and spec.nonResourceAttributes must be set")
    allowed = authorizer is None or authorizer(user, attributes)
    return body | {"status": {"allowed": allowed}}
