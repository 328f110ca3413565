"""The Secrets that the operator makes for SpinApps: an app's runtime configuration, and a namespace's authorities.

Source: spin-operator v0.6.1, ``internal/controller/spinapp_controller.go`` and ``internal/runtimeconfig``; the text is
that of go-toml 2.2.4, because the Secret's name carries its checksum.
"""

import base64
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import certifi

from local.kubernetes.controllers.spinapp_objects import APP_NAME_LABEL, CA_FILE, RUNTIME_CONFIG_FILE
from local.kubernetes.machinery.meta import owner_reference
from local.kubernetes.machinery.resources import SPIN_APPS, Json

DEFAULT_CA_SECRET: Final = "spin-ca"  # noqa: S105 - a name
_PROVIDER: Final = "[[config_provider]]\ntype = 'env'\nprefix = 'SPIN_VARIABLE_'\n"
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

ValueOf = Callable[[str, Json], str]
"""Reads an option's value: the kind of reference (``secretKeyRef``, ``configMapKeyRef``) and the reference."""


def runtime_secret(app: Json, value_of: ValueOf) -> Json | None:
    """Find the Secret with an app's runtime configuration; None for an app that names a Secret of its own."""
    config = app["spec"].get("runtimeConfig") or {}
    if config.get("loadFromSecret"):
        return None
    name = app["metadata"]["name"]
    text = _toml(config, value_of).encode()
    owner = owner_reference(app, SPIN_APPS)
    return {
        "metadata": {
            "name": f"{name}-{zlib.adler32(text):x}",
            "namespace": app["metadata"]["namespace"],
            "labels": {APP_NAME_LABEL: name},
            "ownerReferences": [{key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}],
        },
        "data": {RUNTIME_CONFIG_FILE: base64.b64encode(text).decode()},
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


def _toml(config: Json, value_of: ValueOf) -> str:
    parts = [_PROVIDER]
    for title, field in (("key_value_store", "keyValueStores"), ("sqlite_database", "sqliteDatabases")):
        if tables := {table["name"]: _options(table, value_of) for table in config.get(field) or []}:
            named = [f"[{title}.{_key(name)}]\n{_lines(tables[name])}" for name in sorted(tables)]
            parts.append(f"[{title}]\n" + "\n".join(named))
    if compute := config.get("llmCompute"):
        parts.append(f"[llm_compute]\n{_lines(_options(compute, value_of))}")
    return "\n".join(parts)


def _options(table: Json, value_of: ValueOf) -> dict[str, str]:
    options = {"type": table["type"]}
    for option in table.get("options") or []:
        value = option.get("value") or ""
        for kind, reference in ({} if value else option.get("valueFrom") or {}).items():
            value = value_of(kind, reference)
        options[option["name"]] = value
    return options


def _lines(options: dict[str, str]) -> str:
    return "".join(f"{_key(name)} = {_quoted(options[name])}\n" for name in sorted(options))


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    escaped = (escapes.get(character) or _escaped(character) for character in text)
    return f'"{"".join(escaped)}"'


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04X}" if ord(character) < ord(" ") or character == "\x7f" else character
