"""The admin's kubeconfig: how `kubectl`, the front process and tests reach the cluster."""

import base64
from pathlib import Path
from typing import Any

import yaml

from local.kubernetes.machinery.http_api import ApiAccess


def write_kubeconfig(path: Path, *, cluster: str, url: str, ca_pem: bytes, token: str) -> None:
    """Write a kubeconfig with one context, readable by its owner only."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {"server": url, "certificate-authority-data": base64.b64encode(ca_pem).decode()},
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "admin", "namespace": "default"}}],
        "current-context": cluster,
    }
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    draft.replace(path)


def access_from_kubeconfig(path: Path) -> ApiAccess:
    """Read what the current context of a kubeconfig says; only token users are understood.

    Raises
    ------
    ValueError
        The file names no such context, cluster or user.
    """
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))

    def named(section: str, name: str, field: str) -> dict[str, Any]:
        for entry in document.get(section) or []:
            if entry["name"] == name:
                found: dict[str, Any] = entry[field]
                return found
        raise ValueError(f'{path} has no entry "{name}" under {section}')

    context = named("contexts", document.get("current-context", ""), "context")
    cluster = named("clusters", context["cluster"], "cluster")
    user = named("users", context["user"], "user")
    ca: Path | str | None = None
    if data := cluster.get("certificate-authority-data"):
        ca = base64.b64decode(data).decode()
    elif file := cluster.get("certificate-authority"):
        ca = path.parent / file
    return ApiAccess(cluster["server"], user.get("token"), ca)
