"""Registry logins: validating them, keeping them, finding them again.

Source: crates/oci/src/auth.rs (the file), dkregistry-rs src/v2/auth.rs (validation).
"""

import json
import os
from pathlib import Path
from typing import Any

from local.oci.credentials import Credentials, decode_pair, encode_pair
from local.oci.mirrors import Mirrors
from local.oci.reference import DOCKER_HUB, DOCKER_HUB_SERVER
from local.spin_cli.terminal import SpinError, context, os_reason


def auth_file() -> Path:
    """``$XDG_CONFIG_HOME/fermyon/registry-auth.json``, or under ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "fermyon" / "registry-auth.json"


def find_credentials(server: str) -> Credentials | None:
    """Credentials for a registry, from a login here; None for anonymous."""
    pair = _load(auth_file()).get(server)
    return decode_pair(pair) if isinstance(pair, str) else None


def login(server: str, credentials: Credentials, mirrors: Mirrors) -> None:
    """Validate credentials against a registry and keep them.

    Raises
    ------
    SpinError
        The registry cannot be reached, does not ask for credentials, or its token server refuses them.
    """
    registry = DOCKER_HUB_SERVER if server == DOCKER_HUB else server
    _validate(registry, credentials, mirrors)
    path = auth_file()
    auths = _load(path) | {registry: encode_pair(credentials)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": auths}, indent=2), "utf-8")
    except OSError as error:
        with context(f"cannot save authentication file {path}"):
            raise SpinError(os_reason(error)) from None


def _load(path: Path) -> dict[str, Any]:
    """Read what is kept; an unreadable or invalid file counts as empty."""
    try:
        auths = json.loads(path.read_text("utf-8"))["auths"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return auths if isinstance(auths, dict) else {}


def _validate(registry: str, credentials: Credentials, mirrors: Mirrors) -> None:
    """Ask ``/v2/`` how to authenticate. Basic is taken on trust, as the real one does; Bearer is tried."""
    import httpx

    from local.oci.auth import parse_challenge
    from local.oci.transport import RegistryTransport

    def refuse(reason: str) -> SpinError:
        return SpinError(f"cannot authenticate as {credentials.username} to registry {registry}: {reason}")

    try:
        with httpx.Client(transport=RegistryTransport(), timeout=30) as client:
            header = client.get(f"{mirrors.base_url(registry)}/v2/").headers.get("WWW-Authenticate")
            if header is None:
                raise refuse("missing authentication header WWW-Authenticate")
            scheme, parameters = parse_challenge(header)
            if scheme == "basic":
                return
            if scheme != "bearer" or "realm" not in parameters:
                raise refuse(f"unsupported or malformed WWW-Authenticate header: {header}")
            query = {"service": parameters["service"]} if "service" in parameters else {}
            url = httpx.URL(parameters["realm"]).copy_merge_params(query)
            answer = client.get(url, headers={"Authorization": credentials.basic()})
            if answer.status_code != httpx.codes.OK:
                raise refuse(f"unexpected HTTP status {answer.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise refuse(f"http transport error: {error}") from None
