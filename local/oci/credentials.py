"""Registry credentials, and where Docker keeps them: ``auths`` of its ``config.json``.

A Kubernetes ``kubernetes.io/dockerconfigjson`` secret holds the same document, so image pull secrets read here too.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password (or token) for one registry. The password never shows in a ``repr``."""

    username: str
    password: str = field(repr=False)

    def basic(self) -> str:
        """Value of an ``Authorization`` header with scheme Basic."""
        return f"Basic {encode_pair(self)}"


def encode_pair(credentials: Credentials) -> str:
    """``base64(user:password)``, as auth files and Basic headers carry it."""
    return base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


def decode_pair(text: str) -> Credentials | None:
    """Read ``base64(user:password)``; None when it is not that."""
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credentials(username, password) if colon else None


def from_docker_config(config: Mapping[str, Any], server: str) -> Credentials | None:
    """Find the credentials for ``server`` (host with port) in a Docker config document.

    Read are ``auths`` alone: helpers are programs, and identity tokens need an OAuth exchange.
    """
    auths = config.get("auths") or {}
    for key in (server, f"https://{server}", f"https://{server}/v1/", f"https://{server}/v2/"):
        entry = auths.get(key)
        if not isinstance(entry, dict):
            continue
        if "username" in entry and "password" in entry:
            return Credentials(str(entry["username"]), str(entry["password"]))
        return decode_pair(str(entry.get("auth", "")))
    return None
