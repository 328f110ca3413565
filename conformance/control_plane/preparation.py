"""A control plane ready for deploys: SpinKube's CRDs, ``cluster/base``, ``cluster/tenant``."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from conformance.control_plane.plane import ControlPlane
from conformance.control_plane.webhook import AdmissionWebhook
from local.kubernetes.api.app import CRD_FOLDER
from local.kubernetes.machinery.http_api import ApiAccess, HttpApi
from local.kubernetes.machinery.resources import CUSTOM_RESOURCE_DEFINITIONS, RUNTIME_CLASSES, Json
from local.kubernetes.seed import CLUSTER_MANIFESTS, PLAIN_CLASS, SeedOptions, seed_manifests

_MANAGER: Final = "conformance"
_SECONDS: Final = 30.0


@contextmanager
def prepared(programs: dict[str, Path], controllers: Sequence[str]) -> Iterator[tuple[ControlPlane, HttpApi, str]]:
    """Start a control plane with the operator's definitions and webhooks, and apply ``cluster/`` to it."""
    with ControlPlane(programs, controllers) as plane:
        api = HttpApi(ApiAccess(plane.url, plane.tokens.administrator, plane.ca_file))
        try:
            apply_definitions(api)
            with AdmissionWebhook(api, plane.folder / "webhook"):
                applied = apply_manifests(api, plane.kubeconfig("administrator"), plane.folder)
                yield plane, api, applied
        finally:
            api.close()


def apply_definitions(api: HttpApi) -> None:
    """Apply SpinKube's CRDs and wait until the server serves them.

    Raises
    ------
    TimeoutError
        A definition is not established after 30 seconds.
    """
    for path in sorted(CRD_FOLDER.glob("*.yaml")):
        for definition in yaml.safe_load_all(path.read_text("utf-8")):
            if definition:
                api.apply(CUSTOM_RESOURCE_DEFINITIONS, None, definition, _MANAGER)
                _wait_established(api, definition["metadata"]["name"])
    api.apply(RUNTIME_CLASSES, None, {"metadata": {"name": PLAIN_CLASS}, "handler": "spin"}, _MANAGER)


def apply_manifests(api: HttpApi, kubeconfig: Path, folder: Path, namespace: str = "default") -> str:
    """Apply ``cluster/base``, and ``cluster/tenant`` in a namespace; returns what applied them.

    kubectl does it where it is on PATH, as docs/cluster.md says, else the seed of the one-machine cloud. The tenant's
    overlay is written into ``folder``.
    """
    if shutil.which("kubectl") is None:
        for resource, place, body in seed_manifests(SeedOptions(tenants=(namespace,))):
            api.apply(resource, place, body, _MANAGER)
        return "the one-machine cloud's seed"
    overlay = folder / "tenant"
    overlay.mkdir(exist_ok=True)
    component = os.path.relpath(CLUSTER_MANIFESTS / "tenant", overlay)
    (overlay / "kustomization.yaml").write_text(f"namespace: {namespace}\ncomponents: [{component}]\n", "utf-8")
    for kustomization in (CLUSTER_MANIFESTS / "base", overlay):
        command = ["kubectl", f"--kubeconfig={kubeconfig}", "apply", "-k", str(kustomization)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return "kubectl"


def _wait_established(api: HttpApi, name: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not _is_established(api.get(CUSTOM_RESOURCE_DEFINITIONS, None, name)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the CustomResourceDefinition {name} is not established after {_SECONDS:.0f} s")
        time.sleep(0.1)


def _is_established(definition: Json) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(found["type"] == "Established" and found["status"] == "True" for found in conditions)
