"""Registry credentials, and where Docker keeps them: ``config.json`` with its ``auths`` and credential helpers.

A Kubernetes ``kubernetes.io/dockerconfigjson`` secret holds the same document, so image pull secrets read here too.
"""

import base64
import binascii
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_HELPER_TIMEOUT_SECONDS: Final = 30


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

    Order as in Docker: a helper for this host, then the store for all hosts, then ``auths``. Identity tokens are
    ignored: they need an OAuth exchange that neither Spin nor the one-machine cloud does.
    """
    helper = (config.get("credHelpers") or {}).get(server) or config.get("credsStore")
    if helper:
        return _ask_helper(str(helper), server)
    auths = config.get("auths") or {}
    for key in (server, f"https://{server}", f"https://{server}/v1/", f"https://{server}/v2/"):
        entry = auths.get(key)
        if not isinstance(entry, dict):
            continue
        if "username" in entry and "password" in entry:
            return Credentials(str(entry["username"]), str(entry["password"]))
        return decode_pair(str(entry.get("auth", "")))
    return None


def _ask_helper(helper: str, server: str) -> Credentials | None:
    """Run ``docker-credential-<helper> get``, which takes the host on stdin and answers JSON."""
    try:
        answer = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=server,
            capture_output=True,
            text=True,
            timeout=_HELPER_TIMEOUT_SECONDS,
            check=True,
        )
        found = json.loads(answer.stdout)
        username, secret = str(found["Username"]), str(found["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return None if username == "<token>" else Credentials(username, secret)
