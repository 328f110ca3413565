"""From a request's body to an object of its kind: type check, unknown fields, defaults.

What a wrong body costs depends on how it came, as in the real server (apiserver `pkg/endpoints/handlers`): 400 for a
create or replace, 422 for a patch's result, 500 for an applied configuration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from local.kubernetes.api.errors import ApiError, bad_request, invalid, invalid_value
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.validation import TYPE_INVALID, prune, validate

Object = dict[str, Any]
FieldValidation = Literal["Strict", "Warn", "Ignore"]
Source = Literal["body", "patch"]

_MAX_REPORTED = 20


@dataclass(frozen=True)
class WriteOptions:
    """Query parameters of a write. `warnings` collects what goes back as Warning headers."""

    manager: str = "unknown"
    dry_run: bool = False
    validation: FieldValidation = "Warn"
    force: bool = False
    warnings: list[str] = field(default_factory=list)


def decode(resource: Resource, body: Any, options: WriteOptions, source: Source = "body") -> Object:
    """Decode the object of a body, in a copy with defaults filled in. Raises ApiError for another body."""
    obj = check_kind(resource, body)
    pruned, unknown = prune(resource.full_schema, obj)
    problems = [error for error in validate(resource.full_schema, pruned) if error.reason == TYPE_INVALID]
    if resource.custom:  # the rest of a custom resource is validated, not decoded: 422, not 400
        problems = [error for error in problems if error.field.startswith("metadata")]
    if problems:
        raise _undecodable(resource, obj, str(problems[0]), source)
    if unknown and options.validation != "Ignore":
        found = [f'unknown field "{path}"' for path in unknown[:_MAX_REPORTED]]
        if options.validation == "Strict":
            raise _undecodable(resource, obj, "strict decoding error: " + ", ".join(found), source)
        options.warnings.extend(found)
    return pruned


def decode_configuration(resource: Resource, body: Any, name: str, namespace: str) -> Object:
    """Decode an applied configuration: no defaults, and no field that the schema lacks."""
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise bad_request("error decoding YAML: apiVersion and kind must be set in an applied configuration")
    obj = check_kind(resource, body)
    metadata = obj["metadata"]
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    where = f"{metadata.get('namespace', '')}/{name}"
    metadata.setdefault("name", name)
    if resource.namespaced:
        metadata.setdefault("namespace", namespace)
    pruned, unknown = prune(resource.full_schema, obj, defaults=False)
    problems = [f".{path}: field not declared in schema" for path in unknown]
    # The real server finds these where it converts the configuration, and so answers 500 (kubernetes#122480).
    if problems:
        kind = f"{resource.group}/{resource.version}, Kind={resource.kind}"
        text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {text}" for text in problems)
        raise ApiError(500, "", f"failed to create typed patch object ({where}; {kind}): {text}")
    return pruned


def check_kind(resource: Resource, body: Any) -> Object:
    """Copy the body shallowly, with apiVersion, kind and metadata, which must be the resource's own."""
    if not isinstance(body, dict):
        raise bad_request(f"{resource.kind} must be an object, not {type(body).__name__}")
    kind, version = body.get("kind"), body.get("apiVersion")
    if resource.custom and not kind:
        raise bad_request("Object 'Kind' is missing in the request body")
    if kind not in (None, "", resource.kind):
        raise bad_request(f"the kind in the data ({kind}) does not match the expected kind ({resource.kind})")
    if version not in (None, "", resource.api_version):
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    envelope = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": dict(metadata or {})}
    return {**envelope, **{key: value for key, value in body.items() if key not in envelope}}


def _undecodable(resource: Resource, obj: Object, why: str, source: Source) -> ApiError:
    if source == "patch":
        return invalid("", "", "", [invalid_value("patch", json.dumps(obj, ensure_ascii=False), why)])
    return bad_request(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')
