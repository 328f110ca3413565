"""From a decoded object to one that may be stored: defaults, admission, validation."""

from __future__ import annotations

from local.kubernetes.api import admission
from local.kubernetes.api.defaults import apply_defaults
from local.kubernetes.api.errors import FieldError, invalid
from local.kubernetes.api.names import check_metadata
from local.kubernetes.api.not_served import check_served
from local.kubernetes.api.object_rules import check_change, check_object
from local.kubernetes.api.pod_admission import admit_pod
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.store import Object, Store
from local.kubernetes.api.validation import validate

POD_KEY = ("", "pods")


def complete(
    store: Store, resource: Resource, obj: Object, *, old: Object | None = None, subresource: str = ""
) -> None:
    """Defaults, admission and validation; changes `obj` in place."""
    if not resource.custom:
        apply_defaults(resource.key, obj)
    if not subresource:
        admission.mutate(resource.key, obj, store)
        if old is None and resource.key == POD_KEY:
            admit_pod(obj, store)
    _refuse(resource, obj, _faults(resource, obj, old))
    if not subresource:
        admission.admit(resource.key, obj, store)
        _refuse(resource, obj, check_served(resource.key, obj, old))


def _faults(resource: Resource, obj: Object, old: Object | None) -> list[FieldError]:
    errors = check_metadata(obj["metadata"], resource.name_rule)
    for error in validate(resource.full_schema, obj):
        # Go's decoder gives a built-in kind's status its zero values: nothing in it is required.
        if resource.custom or not error.field.startswith("status"):
            errors.append(error)
    if not errors:
        errors = check_object(resource.key, obj)
    if not errors and old is not None:
        errors = check_change(resource.key, old, obj)
    return errors


def _refuse(resource: Resource, obj: Object, errors: list[FieldError]) -> None:
    if errors:
        raise invalid(resource.kind, resource.group, obj["metadata"]["name"], errors)
