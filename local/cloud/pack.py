"""The one-machine cloud as an archive that needs neither this repository nor the CDK: the wheel of `blue` carries it.

In it are the rooms that a running cloud reads, as they lie here; and, made beforehand, what is made with tools that a
user does not have: the synthesized template for each way to start it, with the Lambda code beside it, and the page with
what it brings from npm. Unpacked, it is what a checkout is (`local.cloud.places`).
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from infra.tools import page
from infra.tools.imports import closure
from local.aws.bundles import transform_asset
from local.cloud.assembly import AUTHORIZERS, CARRIED, TENANCIES, assembly, kind_of
from local.cloud.places import ROOT

_ROOMS: Final = ("builder_image", "cluster", "functions", "local")
_FILES: Final = ("LICENSE", "cdk.json")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every file: the same content makes the same archive."""
_DEPLOYED: Final = ("aws:cloudformation:stack", "cdk:asset-manifest")
"""Parts of an assembly that are deployed; the others are for people to look at."""


def pack(target: Path) -> None:
    """Write the archive."""
    page.vendor()
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _sources()}
    for each in _assemblies():
        files |= each
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)


def _sources() -> set[Path]:
    rooms = {path for room in _ROOMS for path in (ROOT / room).rglob("*") if _is_read(path)} - {Path(__file__)}
    tools, _ = closure(*(path for path in rooms if path.suffix == ".py" and path.is_relative_to(ROOT / "local")))
    return rooms | tools | {ROOT / name for name in _FILES}


def _is_read(path: Path) -> bool:
    """Whether it is a file of the product or the cloud: neither a test, nor a text about it, nor a tool's leavings."""
    parts = path.relative_to(ROOT).parts
    if "tests" in parts or "__pycache__" in parts or path.suffix == ".md" or not path.is_file():
        return False
    # The page's mark says that it has what its lock asks for.
    return not any(part.startswith(".") for part in parts) or path == page.MARK


def _assemblies() -> Iterator[dict[str, bytes]]:
    for cluster, authorizer, tenancy in product((True, False), AUTHORIZERS, TENANCIES):
        if (authorizer, tenancy) != ("none", "policy"):  # which the cloud refuses
            kind = kind_of(cluster=cluster, authorizer=authorizer, tenancy=tenancy)
            yield movable(assembly(cluster=cluster, authorizer=authorizer, tenancy=tenancy), kind)


def movable(folder: Path, kind: str) -> dict[str, bytes]:
    """Return the files of an assembly that can lie anywhere, by their names in the archive."""
    place = f"{CARRIED.name}/{kind}"
    (listed,) = folder.glob("*.assets.json")
    assets = json.loads(listed.read_text("utf-8"))
    assets["dockerImages"] = {}  # not used on one machine
    files: dict[str, bytes] = {}
    for asset in assets["files"].values():
        source = folder / asset["source"]["path"]
        if source.is_dir():
            content = transform_asset(source)
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.zip"
            asset["source"]["path"] = f"../{name}"
            files[f"{CARRIED.name}/{name}"] = content
        else:
            files[f"{place}/{source.name}"] = source.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    artifacts = {name: each for name, each in manifest["artifacts"].items() if each["type"] in _DEPLOYED}
    files[f"{place}/manifest.json"] = json.dumps(manifest | {"artifacts": artifacts}).encode()
    files[f"{place}/{listed.name}"] = json.dumps(assets).encode()
    return files
