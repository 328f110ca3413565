"""The Secrets that the operator makes for SpinApps: an app's runtime configuration, and a namespace's authorities.

Source: spin-operator v0.6.1, ``internal/controller/spinapp_controller.go`` and ``internal/runtimeconfig``. Stores and
databases that a SpinApp configures itself are refused with it: the configuration of all apps is the same.
"""

import base64
import zlib
from pathlib import Path
from typing import Final

import certifi

from local.kubernetes.controllers.spinapp_objects import APP_NAME_LABEL, CA_FILE, RUNTIME_CONFIG_FILE
from local.kubernetes.machinery.meta import owner_reference
from local.kubernetes.machinery.resources import SPIN_APPS, Json

DEFAULT_CA_SECRET: Final = "spin-ca"  # noqa: S105 - a name
_RUNTIME_CONFIG: Final = b"[[config_provider]]\ntype = 'env'\nprefix = 'SPIN_VARIABLE_'\n"
"""As go-toml 2.2.4 writes it: the Secret's name carries its checksum."""


def runtime_secret(app: Json) -> Json | None:
    """Find the Secret with an app's runtime configuration; None for an app that names a Secret of its own."""
    if (app["spec"].get("runtimeConfig") or {}).get("loadFromSecret"):
        return None
    name = app["metadata"]["name"]
    owner = owner_reference(app, SPIN_APPS)
    return {
        "metadata": {
            "name": f"{name}-{zlib.adler32(_RUNTIME_CONFIG):x}",
            "namespace": app["metadata"]["namespace"],
            "labels": {APP_NAME_LABEL: name},
            "ownerReferences": [{key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}],
        },
        "data": {RUNTIME_CONFIG_FILE: base64.b64encode(_RUNTIME_CONFIG).decode()},
    }


def ca_secret_name(executor: Json) -> str | None:
    """Name the Secret with certificate authorities that an executor's pods get."""
    config = executor["spec"].get("deploymentConfig") or {}
    return config.get("caCertSecret") or (DEFAULT_CA_SECRET if config.get("installDefaultCACerts") else None)


def ca_secret(executor: Json, namespace: str) -> Json | None:
    """Make the Secret that the operator makes once a namespace, where the executor asks for it."""
    name = ca_secret_name(executor)
    if name is None or not (executor["spec"].get("deploymentConfig") or {}).get("installDefaultCACerts"):
        return None
    annotations = {"app.kubernetes.io/managed-by": "spin-operator.spinkube.dev"}
    return {
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "stringData": {CA_FILE: Path(certifi.where()).read_text(encoding="ascii")},
    }
