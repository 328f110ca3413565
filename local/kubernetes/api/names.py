"""Rules for names, labels and annotations (k8s.io/apimachinery `pkg/util/validation`), with that package's wording."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.kubernetes.api.errors import FieldError, invalid_value, too_long

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = rf"({_QUALIFIED})?"

_MAX_LABEL = 63
_MAX_SUBDOMAIN = 253
_MAX_ANNOTATIONS = 256 * 1024

NameRule = Callable[[str], str | None]
"""Says what is wrong with a name; `None` when it is fine."""


def dns_subdomain(name: str) -> str | None:
    """RFC 1123 subdomain: the rule for most kinds' names."""
    if len(name) > _MAX_SUBDOMAIN:
        return f"must be no more than {_MAX_SUBDOMAIN} characters"
    if re.fullmatch(_SUBDOMAIN, name):
        return None
    return (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
    )


def dns_label(name: str) -> str | None:
    """RFC 1123 label: namespaces, and Services (older servers want these to begin with a letter)."""
    if len(name) > _MAX_LABEL:
        return f"must be no more than {_MAX_LABEL} characters"
    if "." in name:
        return "must not contain dots"
    if re.fullmatch(_LABEL, name):
        return None
    return (
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        f"with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
    )


def path_segment(name: str) -> str | None:
    """RBAC objects: anything that can stand in a URL path."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    bad = next((char for char in "/%" if char in name), None)
    return f"may not contain '{bad}'" if bad else None


def qualified_name(name: str) -> str | None:
    """Label and annotation keys: ``[prefix/]name``."""
    prefix, slash, base = name.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (why := dns_subdomain(prefix)):
        return f"prefix part {why}"
    if not base:
        return "name part must be non-empty"
    if len(base) > _MAX_LABEL:
        return f"name part must be no more than {_MAX_LABEL} bytes"
    if re.fullmatch(_QUALIFIED, base):
        return None
    return (
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        f"'{_QUALIFIED}')"
    )


def label_value(value: str) -> str | None:
    """Values of labels."""
    if len(value) > _MAX_LABEL:
        return f"must be no more than {_MAX_LABEL} bytes"
    if re.fullmatch(_LABEL_VALUE, value):
        return None
    return (
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
        f"validation is '{_LABEL_VALUE}')"
    )


def check_labels(labels: Mapping[str, str] | None, field: str) -> list[FieldError]:
    """Every rule that a map of labels breaks."""
    errors = []
    for key, value in (labels or {}).items():
        if why := qualified_name(key):
            errors.append(invalid_value(field, key, why))
        if why := label_value(value):
            errors.append(invalid_value(field, value, why))
    return errors


def check_metadata(metadata: Mapping[str, Any], rule: NameRule) -> list[FieldError]:
    """Every rule that an object's metadata breaks; `rule` is the kind's rule for names."""
    errors = []
    if why := rule(metadata["name"]):
        errors.append(invalid_value("metadata.name", metadata["name"], why))
    errors += check_labels(metadata.get("labels"), "metadata.labels")
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        if why := qualified_name(key.lower()):
            errors.append(invalid_value("metadata.annotations", key, why))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _MAX_ANNOTATIONS:
        errors.append(too_long("metadata.annotations", _MAX_ANNOTATIONS))
    for finalizer in metadata.get("finalizers") or []:
        if why := qualified_name(finalizer):
            errors.append(invalid_value("metadata.finalizers", finalizer, why))
    return errors
