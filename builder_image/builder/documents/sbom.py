"""The SBOM of what was pushed: CycloneDX 1.6, JSON (cyclonedx.org/docs/1.6/json).

What is in a component: the app's own build, the Python and the SDK that componentize-py puts into it, the packages
installed for it, and packages that the upload brought along. Written by hand: a dozen fields do not need a library in
every build; the tests hold the result against the published schema.
"""

import datetime
import email.parser
import importlib.metadata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.documents.statements import package_url
from builder.packages.install import InstalledPackages
from builder.packages.requirements import SDK
from builder.source.safe_paths import walk
from builder.source.upload import App
from builder.toolchain import PYTHON_VERSION

CONTENT_TYPE: Final = "application/vnd.cyclonedx+json; version=1.6"
_APP: Final = "app"
_PYTHON: Final = f"pkg:generic/cpython@{PYTHON_VERSION}"
_COMPONENTIZE: Final = "componentize-py"
_METADATA: Final = ".dist-info/METADATA"
_MOST_SHIPPED: Final = 500
_METADATA_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Build:
    """What the SBOM is about; ``digests`` are the SHA-256 of the pushed components, by path."""

    task_id: str
    app: App
    packages: InstalledPackages | None
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    at: datetime.datetime


def document(build: Build) -> dict[str, Any]:
    """Describe the parts of one build as a CycloneDX document."""
    installed = _installed(build.packages)
    shipped = _shipped(build.app)
    uses_python = any(_COMPONENTIZE in step for part in build.app.manifest.components for step in part.commands)
    runtime = [_python(), _sdk(build.versions)] if uses_python else []
    parts = [
        {
            "type": "application",
            "bom-ref": f"component:{path}",
            "name": path,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for path, digest in build.digests.items()
    ]
    libraries = {part["bom-ref"]: part for part in [*runtime, *installed.values(), *shipped]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(build.task_id)}",
        "version": 1,
        "metadata": {
            "timestamp": build.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "tools": {
                "components": [
                    {"type": "application", "name": name, "version": version}
                    for name, version in sorted(build.versions.items())
                ]
            },
            "component": {"type": "application", "bom-ref": _APP, "name": build.app.manifest.name},
            "properties": [{"name": "blue-faas:task-id", "value": build.task_id}],
        },
        "components": [*parts, *libraries.values()],
        "dependencies": [
            {"ref": _APP, "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"], "dependsOn": sorted(libraries)} for part in parts),
            *_needs(build.packages, installed),
        ],
    }


def _serial(task_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(task_id)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, task_id)


def _python() -> dict[str, Any]:
    return {
        "type": "platform",
        "bom-ref": _PYTHON,
        "name": "CPython",
        "version": PYTHON_VERSION,
        "purl": _PYTHON,
    }


def _sdk(versions: Mapping[str, str]) -> dict[str, Any]:
    return _library(SDK, versions[SDK])


def _library(name: str, version: str, **more: Any) -> dict[str, Any]:
    purl = package_url(name, version)
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, **more}


def _installed(packages: InstalledPackages | None) -> dict[str, dict[str, Any]]:
    """By name, the packages that the builder installed."""
    return {
        package.name: _library(
            package.name, package.version, hashes=[{"alg": "SHA-256", "content": package.sha256}], scope="required"
        )
        for package in (packages.locked if packages is not None else ())
    }


def _needs(packages: InstalledPackages | None, installed: Mapping[str, Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Which installed package needs which, by their metadata."""
    if packages is None:
        return
    for distribution in importlib.metadata.distributions(path=[str(packages.folder)]):
        part = installed.get(canonicalize_name(distribution.metadata["Name"] or ""))
        if part is not None:
            names = {_name(text) for text in distribution.requires or []}
            yield {
                "ref": part["bom-ref"],
                "dependsOn": sorted(installed[name]["bom-ref"] for name in names & installed.keys()),
            }


def _name(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""


def _shipped(app: App) -> list[dict[str, Any]]:
    """List packages in the upload, by the records that `pip install --target` left: the uploader's word."""
    found: list[dict[str, Any]] = []
    for path, entry in walk(app.folder):
        if path.endswith(_METADATA) and entry.is_file(follow_symlinks=False) and len(found) < _MOST_SHIPPED:
            name, version = _identity(Path(entry.path))
            if name and version:
                properties = [{"name": "blue-faas:origin", "value": "upload"}]
                found.append(_library(name, version, properties=properties))
    return found


def _identity(metadata: Path) -> tuple[str | None, str | None]:
    with metadata.open("rb") as file:
        text = file.read(_METADATA_BYTES).decode("utf-8", "replace")
    headers = email.parser.HeaderParser().parsestr(text)
    name, version = (str(headers.get(key, "")).strip() for key in ("Name", "Version"))
    is_plain = name.isprintable() and version.isprintable() and " " not in name + version and len(name + version) < 200
    return (name, version) if is_plain else (None, None)
