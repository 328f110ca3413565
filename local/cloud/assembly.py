"""The synthesized template for this machine: the product's own app.py, with the one machine's settings on top.

Synthesis takes seconds, so its result is kept under build/ and used again while nothing that it depends on has changed.
Where the cloud was unpacked from the wheel of `blue`, the templates came with it (`local.cloud.pack`).
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.tools.build_folder import put_in_place, scratch_for
from local.aws.settings import DEFAULT_ACCOUNT, DEFAULT_CONCURRENT_BUILDS, OPERATOR
from local.cloud.issuer import ADMINISTRATOR, AUDIENCE, ISSUER, PAGE_CLIENT, PATH
from local.cloud.places import BUILD, ROOT
from local.front.config import EXPOSED_DOMAIN

CLUSTER_NAME: Final = "blue-faas-local"

OVERRIDES: Final[dict[str, object]] = {
    "blue-faas.authorizer": "none",
    "blue-faas.tenancy": "open",
    "blue-faas.ui": {},
    "blue-faas.kubernetes.cluster_name": CLUSTER_NAME,
    "blue-faas.concurrency": {
        **{"builds": 12, "deploy": 12, "health": 2, "ingest": 8},
        **{"record_result": 4, "wait_for_slot": 4, "sign_image": 4, "close_task": 2, "reconcile": 1},
    },
    "blue-faas.limits.waiting_requests": 6,
    "blue-faas.limits.all_waiting_requests": 8,
    "blue-faas.kubernetes.expose": {"kind": "Ingress", "domains": [EXPOSED_DOMAIN], "scheme": "http"},
    "aws:cdk:disable-asset-staging": True,
}
"""All that differs from the template on AWS: who may do what, the page, which cluster, and how much runs at once, as
executions are processes here. (The last saves copying bundles.)"""
_WITHOUT_CLUSTER: Final = {
    **{name: value for name, value in OVERRIDES.items() if ".kubernetes." not in name},
    "blue-faas.kubernetes": "null",
}
_AUTHORIZERS: Final[Mapping[str, Mapping[str, object]]] = {
    "none": {},
    "iam": {"blue-faas.authorizer": "iam", "blue-faas.ui": None},
    "jwt": {
        "blue-faas.authorizer": "jwt",
        "blue-faas.jwt": {"issuer": ISSUER, "audience": [AUDIENCE]},
        "blue-faas.ui": {
            "sign_in": {
                "client_id": PAGE_CLIENT,
                "authorization_endpoint": f"{PATH}/authorize",
                "token_endpoint": f"{PATH}/token",
            }
        },
    },
}
AUTHORIZERS: Final = tuple(_AUTHORIZERS)
"""What ``AUTHORIZER`` may be."""
_TENANCIES: Final[Mapping[str, Mapping[str, object]]] = {
    "open": {},
    "policy": {
        "blue-faas.tenancy": "policy",
        "blue-faas.administrators": [
            f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{OPERATOR}",
            f"claim:sub={ADMINISTRATOR}",
        ],
    },
}
TENANCIES: Final = tuple(_TENANCIES)
"""What ``TENANCY`` may be."""

CARRIED: Final = ROOT / "assemblies"
"""Ready-made assemblies, where there is no CDK: in a cloud that the wheel of `blue` carries."""
_DEPENDS_ON: Final = (
    "app.py",
    "cdk.json",
    "requirements.txt",
    "infra",
    "functions",
    "builder_image",
    "docs/openapi.json",
)


class SynthesisError(Exception):
    """The template could not be made; the text has the last lines of what app.py printed."""


def wants_cluster() -> bool:
    """Whether cdk.json names a cluster to deploy to."""
    return json.loads((ROOT / "cdk.json").read_text())["context"]["blue-faas"].get("kubernetes") is not None


def assembly(
    *,
    cluster: bool,
    authorizer: str = "none",
    tenancy: str = "open",
    concurrent_builds: int = DEFAULT_CONCURRENT_BUILDS,
) -> Path:
    """Folder of the cloud assembly (template, asset manifest), made anew when something it depends on changed."""
    kind = kind_of(cluster=cluster, authorizer=authorizer, tenancy=tenancy)
    if concurrent_builds == DEFAULT_CONCURRENT_BUILDS and (CARRIED / kind).is_dir():
        return CARRIED / kind
    overrides = {
        **(OVERRIDES if cluster else _WITHOUT_CLUSTER),
        **_AUTHORIZERS[authorizer],
        **_TENANCIES[tenancy],
        "blue-faas.builds.concurrency": concurrent_builds,
    }
    folder = BUILD / "assembly" / f"{kind}-{_digest(overrides)}"
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "assembly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several clouds may start at once: one synthesizes, the others use it
        if not _is_whole(folder):
            _synthesize(folder, overrides)
    return folder


def kind_of(*, cluster: bool, authorizer: str, tenancy: str) -> str:
    """Return the name of what is the same in all assemblies for these."""
    return f"{'cluster' if cluster else 'builds'}-{authorizer}-{tenancy}"


def _synthesize(folder: Path, overrides: Mapping[str, object]) -> None:
    scratch = scratch_for(folder)
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], **overrides}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(scratch),
            # The CDK has an engine check each template, which takes longer to start than all the rest: tests/infra has
            # it look at this one.
            "CDK_VALIDATION": "false",
            "CDK_CONTEXT_JSON": json.dumps(context),
            # The CDK warns on every run about a Node version it will drop one day; nobody reads it here.
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "20",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise SynthesisError("app.py could not be synthesized:\n" + "\n".join(done.stderr.strip().splitlines()[-5:]))
    shutil.rmtree(folder, ignore_errors=True)
    put_in_place(scratch, folder)


def _is_whole(folder: Path) -> bool:
    """Whether it is there with all that it refers to: old bundles are removed."""
    try:
        (assets,) = folder.glob("*.assets.json")
    except ValueError:
        return False
    files = json.loads(assets.read_text())["files"].values()
    return all((folder / file["source"]["path"]).exists() for file in files)


def _digest(overrides: Mapping[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(overrides, sort_keys=True).encode() + sys.version.encode())
    for name in _DEPENDS_ON:
        top = ROOT / name
        for path in sorted([top, *top.rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
