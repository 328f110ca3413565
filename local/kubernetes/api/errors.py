"""Kubernetes API errors: every refusal of this server is one `ApiError`, sent as a `Status` body.

Codes, reasons and wording follow k8s.io/apimachinery (`pkg/api/errors`, `pkg/util/validation/field`), because clients
branch on `reason` and people search for the message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.kubernetes.api.resources import Resource


class ApiError(Exception):
    """A request that is refused: HTTP `code`, machine-readable `reason`, `message` for people, optional `details`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def status(self) -> dict[str, Any]:
        """Make the `Status` object that carries this error to the client."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        return {key: value for key, value in body.items() if value not in ("", {}) or key == "metadata"}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: `reason` is a `FieldValue…` cause type, `field` a path like ``spec.replicas``."""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def go_value(value: Any) -> str:
    """Write a value as Go's field errors print it: strings quoted, everything else as JSON."""
    return json.dumps(value, ensure_ascii=False)


def invalid_value(field: str, value: Any, why: str) -> FieldError:
    """Say that the field holds a value that is not allowed."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {go_value(value)}: {why}")


def required_value(field: str, why: str = "") -> FieldError:
    """Say that the field is missing or empty."""
    return FieldError("FieldValueRequired", field, "Required value" + (f": {why}" if why else ""))


def unsupported_value(field: str, value: Any, supported: Sequence[Any]) -> FieldError:
    """Say that the field holds a value outside an enumeration."""
    allowed = ", ".join(go_value(item) for item in supported)
    return FieldError(
        "FieldValueNotSupported", field, f"Unsupported value: {go_value(value)}: supported values: {allowed}"
    )


def forbidden_field(field: str, why: str) -> FieldError:
    """Say that the field must not be set."""
    return FieldError("FieldValueForbidden", field, f"Forbidden: {why}")


def too_long(field: str, most: int) -> FieldError:
    """Say that the text is longer than ``most`` bytes."""
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {most} bytes")


def invalid(kind: str, group: str, name: str, errors: Sequence[FieldError], prefix: str = "") -> ApiError:
    """422: the object breaks its kind's rules. `prefix` is put before the message (admission webhooks do so)."""
    texts = [str(error) for error in errors]
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    qualified = f"{kind}.{group}" if group else kind
    causes = [{"reason": error.reason, "message": error.message, "field": error.field} for error in errors]
    return ApiError(
        422,
        "Invalid",
        f"{prefix}{qualified} {go_value(name)} is invalid: {joined}",
        {"name": name, "group": group, "kind": kind, "causes": causes},
    )


def bad_request(message: str) -> ApiError:
    """400: the request itself cannot be understood."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no credentials, or none that an authenticator accepts."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(message: str, resource: Resource | None = None, name: str = "") -> ApiError:
    """403: the caller is known and may not do this."""
    details = {"name": name, "group": resource.group, "kind": resource.plural} if resource else {}
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no object of that name."""
    return ApiError(404, "NotFound", f"{resource.qualified} {go_value(name)} not found", _details(resource, name))


class PathNotFound(ApiError):  # noqa: N818  (the status's own name)
    """404: no such resource type or URL. Sent as plain text: nothing that makes Status objects has seen the request."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "404 page not found\n")


def path_not_found() -> ApiError:
    """404: no such group, version or URL, or no such type in a group of custom resources."""
    return PathNotFound()


def type_not_found() -> ApiError:
    """404: no such type or subresource in a built-in group."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    """405: the resource exists but not with this verb."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    return ApiError(
        409, "AlreadyExists", f"{resource.qualified} {go_value(name)} already exists", _details(resource, name)
    )


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409: the object is not in the state that the caller presumed."""
    return ApiError(
        409,
        "Conflict",
        f"Operation cannot be fulfilled on {resource.qualified} {go_value(name)}: {why}",
        _details(resource, name),
    )


def modified(resource: Resource, name: str) -> ApiError:
    """409: somebody wrote the object after the caller read it."""
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def expired(message: str) -> ApiError:
    """410: the resourceVersion or continue token is older than the server's memory; list again."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """415: the body's Content-Type is not one that the resource takes."""
    return ApiError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted),
    )


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}
