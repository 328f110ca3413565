"""The SBOM of the builder image: CycloneDX 1.6, JSON, from the pins that the image is made from.

``python -m infra.tools.image_sbom`` prints it; the image's context holds it, and the image at
``/opt/blue-faas/sbom.cdx.json``. It has no time and no random number: the same pins give the same bytes.

What the base image has inside is known by the base's digest alone, and the list says so (``compositions``). Nothing
is installed by apt or npm. Written by hand, as the builder's own (`builder.documents.sbom`), so that synthesis needs no
library for it; the tests hold it against the published schema.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from infra.tools.locks import PinError, locked

NAME: Final = "sbom.cdx.json"
LOCKS: Final = {"requirements.txt": "/opt/builder", "toolchain.txt": "/opt/toolchain"}
"""Locks in ``builder_image/``, and where the image has what they name."""
PLATFORM: Final = "linux-amd64"
"""Of `infra.builder`; as spin.json calls it."""

_ROOT_REF: Final = "image"
_BASE: Final = re.compile(r"^ARG BASE=(?P<name>[^:@\s]+):(?P<tag>[^@\s]+)@sha256:(?P<digest>[0-9a-f]{64})$", re.M)
_ENVIRONMENT: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""What markers of the locks are about: the image's Python, not the one that runs this."""


def document(root: Path, identity: str) -> dict[str, Any]:
    """Describe the image.

    Parameters
    ----------
    root
        The repository.
    identity
        Of everything that the image is made from (`infra.tools.image_context`): its version.

    Raises
    ------
    PinError
        The base has no digest, or a lock has a line without hashes.
    """
    folder = root / "builder_image"
    base = _base((folder / "Dockerfile").read_text("utf-8"))
    spin = _spin(json.loads((folder / "spin.json").read_text("utf-8")))
    locked: dict[str, dict[str, Any]] = {}
    for lock, place in LOCKS.items():
        for part in _packages((folder / lock).read_text("utf-8")):
            known = locked.setdefault(part["bom-ref"], {**part, "properties": []})
            known["properties"].append({"name": "blue-faas:installed-in", "value": place})
    parts = [base, spin, *sorted(locked.values(), key=lambda part: str(part["bom-ref"]))]
    references = [part["bom-ref"] for part in parts]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'blue-faas-builder:{identity}')}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "pre-build"}],
            "component": {
                "type": "container",
                "bom-ref": _ROOT_REF,
                "name": "blue-faas-builder",
                "version": identity,
                "description": f"What CodeBuild runs, for {PLATFORM}",
            },
        },
        "components": parts,
        "dependencies": [{"ref": _ROOT_REF, "dependsOn": references}],
        "compositions": [
            {"aggregate": "complete", "assemblies": [_ROOT_REF]},
            {"aggregate": "unknown", "assemblies": [base["bom-ref"]]},
        ],
    }


def text(root: Path, identity: str) -> str:
    """Return the document as the image's context has it."""
    return json.dumps(document(root, identity), indent=2, sort_keys=True) + "\n"


def _base(dockerfile: str) -> dict[str, Any]:
    pin = _BASE.search(dockerfile)
    if pin is None:
        raise PinError(
            "builder_image/Dockerfile: ARG BASE names no image by name, tag and sha256 digest. Ask a registry for the "
            "digest of the index (docker buildx imagetools inspect NAME:TAG), and write it there."
        )
    purl = f"pkg:docker/{pin['name']}@sha256%3A{pin['digest']}?tag={quote(pin['tag'])}"
    return {
        "type": "container",
        "bom-ref": purl,
        "name": pin["name"],
        "version": pin["tag"],
        "purl": purl,
        "hashes": _hashes([pin["digest"]]),
    }


def _spin(pin: Mapping[str, Any]) -> dict[str, Any]:
    purl = f"pkg:github/spinframework/spin@v{pin['version']}"
    archive = str(pin["url"]).format(version=pin["version"], platform=PLATFORM)
    return {
        "type": "application",
        "bom-ref": purl,
        "name": "spin",
        "version": pin["version"],
        "purl": purl,
        "externalReferences": [
            {"type": "distribution", "url": archive, "hashes": _hashes([pin["sha256"][PLATFORM]])},
        ],
    }


def _packages(content: str) -> Iterable[dict[str, Any]]:
    for requirement, hashes in locked(content):
        if requirement.marker is None or requirement.marker.evaluate(dict(_ENVIRONMENT)):
            (pin,) = requirement.specifier
            purl = f"pkg:pypi/{requirement.name}@{quote(pin.version)}"
            yield {
                "type": "library",
                "bom-ref": purl,
                "name": requirement.name,
                "version": pin.version,
                "purl": purl,
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": purl,
                        "comment": "One of the files with these hashes",
                        "hashes": _hashes(hashes),
                    }
                ],
            }


def _hashes(digests: Iterable[str]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest} for digest in digests]


def main() -> None:
    """Print the list of the image that this repository makes."""
    from infra.tools.image_context import image_context

    sys.stdout.write((image_context() / "builder_image" / NAME).read_text("utf-8"))


if __name__ == "__main__":
    main()
