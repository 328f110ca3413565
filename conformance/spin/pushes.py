"""Push each app with both sides and compare what the registry holds then."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import httpx

from conformance.spin.compare import Finding, compare
from conformance.spin.push_cases import PushCase
from local.oci.registry import INDEX_TYPE, MANIFEST_TYPE
from local.spin_cli.image import APP_LAYER
from local.spin_cli.wrapper import install_wrapper
from local.tests.oci.servers import LocalRegistry

REPOSITORY: Final = "conformance"
_ROOT: Final = Path(__file__).resolve().parents[2]
_CREATED: Final = "org.opencontainers.image.created=1970-01-01T00:00:00Z"
"""As the builder pushes: without it, each push would have its own time."""
_REFUSED: Final = "refused"


def compare_pushes(spin: Path, registry: LocalRegistry, work: Path, chosen: Iterable[PushCase]) -> list[Finding]:
    """Push each of the chosen cases with both sides."""
    registry.ecr.create_repository(repositoryName=REPOSITORY)
    stand_in = install_wrapper(work / "bin", sys.executable, _ROOT, None)
    findings = []
    for number, case in enumerate(chosen):
        folder = write(case, work / f"app-{number}")
        real = _pushed(spin, registry, folder, f"real-{number}")
        ours = _pushed(stand_in, registry, folder, f"ours-{number}")
        findings.append(compare(f"push, {case.name}", real, ours, known=case.known))
    return findings


def push(spin: Path, registry: LocalRegistry, folder: Path, tag: str) -> str | None:
    """Push an app over plain HTTP; the reference, or None when it was refused."""
    host = registry.open_url.removeprefix("http://")
    reference = f"{host}/{REPOSITORY}:{tag}"
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [spin, "registry", "push", "-k", "--from", folder / "spin.toml", "--annotation", _CREATED, reference],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        check=False,
    )
    return reference if done.returncode == 0 else None


def write(case: PushCase, folder: Path) -> Path:
    """Put a case's app into a new folder."""
    folder.mkdir()
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name, target in case.links.items():
        (folder / name).symlink_to(target)
    if case.wasm is not None:
        (folder / "app.wasm").write_bytes(case.wasm)
    (folder / "spin.toml").write_text(case.manifest, "utf-8")
    return folder


def _pushed(spin: Path, registry: LocalRegistry, folder: Path, tag: str) -> Any:
    """Return what the registry holds of a push, without what Spin itself makes differently each time."""
    if push(spin, registry, folder, tag) is None:
        return _REFUSED
    base = f"{registry.open_url}/v2/{REPOSITORY}"
    accept = {"Accept": f"{MANIFEST_TYPE}, {INDEX_TYPE}"}
    manifest = json.loads(httpx.get(f"{base}/manifests/{tag}", headers=accept).raise_for_status().content)
    layers = manifest.pop("layers")
    (app_layer,) = [layer for layer in layers if layer["mediaType"] == APP_LAYER]
    app_text = _blob(base, app_layer["digest"])
    config = _blob(base, manifest["config"].pop("digest")).replace(app_layer["digest"], "LOCKED APP")
    others = sorted(json.dumps(layer) for layer in layers if layer is not app_layer and "tar" not in layer["mediaType"])
    archives = sum("tar" in layer["mediaType"] for layer in layers)
    return {
        "manifest": json.dumps(manifest),
        "config": config,
        "app": _ordered(app_text),
        "layers": others,
        "tars": archives,
    }


def _blob(base: str, digest: str) -> str:
    return httpx.get(f"{base}/blobs/{digest}", follow_redirects=True).raise_for_status().text


def _ordered(app_text: str) -> str:
    """Return the locked app, byte for byte but for the order of files, which is the file system's in Spin."""
    app = json.loads(app_text)
    for component in app["components"]:
        if "files" in component:
            component["files"].sort(key=lambda file: str(file["path"]))
    written = json.dumps(app, ensure_ascii=False, separators=(",", ":"))
    return written if any("files" in component for component in app["components"]) else app_text
