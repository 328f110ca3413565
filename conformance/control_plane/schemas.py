"""Write the schemas of the built-in kinds that the one-machine cluster serves, from Kubernetes' own OpenAPI documents.

The documents lie in the module that the control plane is built of. After a change of its version, or of the kinds:
``python -m conformance.control_plane.schemas`` (Go on PATH). The part `control_plane` compares.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from conformance.control_plane.programs import MODULE
from local.kubernetes.api.resources import BUILTIN_RESOURCES
from local.kubernetes.api.schemas import FILE

Schema = dict[str, Any]

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
_SCALARS: Final[dict[str, Schema]] = {
    f"{_META}.Time": {"type": "string", "format": "date-time"},
    f"{_META}.MicroTime": {"type": "string", "format": "date-time"},
    f"{_META}.FieldsV1": {"type": "object"},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"x-kubernetes-int-or-string": True, "format": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"x-kubernetes-int-or-string": True},
}
"""Types with an encoding of their own."""
_KEPT: Final = (
    *("x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type"),
    "x-kubernetes-patch-merge-key",
)
_NOT_REQUIRED: Final = {("V1Event", "metadata")}
"""Required in the documents, but Go's decoder fills in a zero value and the API server's validation lets it pass."""


DIFFERENT: Final = (
    "FAILED: not those of Kubernetes' OpenAPI documents; python -m conformance.control_plane.schemas writes them"
)


def compared() -> str:
    """Say whether the file is what the documents of the pinned version make; `DIFFERENT` if it is not."""
    try:
        documents = _documents()
    except (OSError, subprocess.CalledProcessError):
        return "not compared: Go is not on PATH, or its module of Kubernetes is not here"
    if FILE.read_text(encoding="utf-8") == built_in_schemas(documents):
        return "those of Kubernetes' OpenAPI documents"
    return DIFFERENT


def _documents() -> Path:
    command = ["go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    folder = subprocess.run(command, cwd=MODULE, capture_output=True, text=True, check=True).stdout.strip()
    return Path(folder) / "api" / "openapi-spec" / "v3"


def built_in_schemas(documents: Path) -> str:
    """Return the text of the file: a schema a line, by name."""
    types: dict[str, Schema] = {}
    waiting = [f"{_META}.ObjectMeta"]
    for resource in BUILTIN_RESOURCES:
        if resource.schema is not None:
            group, version = resource.group, resource.version
            document = documents / f"{f'apis__{group}' if group else 'api'}__{version}_openapi.json"
            types |= json.loads(document.read_text(encoding="utf-8"))["components"]["schemas"]
            waiting.append(f"io.k8s.api.{(group or 'core').partition('.')[0]}.{version}.{resource.kind}")
    schemas: dict[str, Schema] = {}
    while waiting:
        full_name = waiting.pop()
        if _short(full_name) not in schemas and full_name not in _SCALARS:
            schemas[_short(full_name)] = _object(_short(full_name), types[full_name])
            waiting += _references(types[full_name])
    text = json.dumps(schemas, sort_keys=True, separators=(",", ":"))
    return text.replace('},"V', '},\n"V') + "\n"


def _short(full_name: str) -> str:
    """``io.k8s.api.core.v1.Pod`` is ``V1Pod``."""
    return "".join(part[:1].upper() + part[1:] for part in full_name.split(".")[-2:])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if reference := value.get("$ref"):
            yield str(reference).rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _object(name: str, declared: Schema) -> Schema:
    schema = _schema(declared)
    schema["properties"] = {field: _schema(inner) for field, inner in declared.get("properties", {}).items()}
    required = [field for field in declared.get("required", ()) if (name, field) not in _NOT_REQUIRED]
    return schema | ({"required": required} if required else {})


def _schema(declared: Schema) -> Schema:
    """Take of a declaration what the server's walkers read; defaults that are Go's zero values say nothing."""
    if reference := next(iter(_references({key: declared.get(key) for key in ("$ref", "allOf")})), None):
        return _SCALARS.get(reference) or {"$ref": _short(reference)}
    schema: Schema = {key: declared[key] for key in ("type", *_KEPT) if key in declared}
    for part in ("items", "additionalProperties"):
        if part in declared:
            schema[part] = _schema(declared[part])
    return schema | ({"default": declared["default"]} if declared.get("default") else {})


if __name__ == "__main__":
    FILE.write_text(built_in_schemas(_documents()), encoding="utf-8")
