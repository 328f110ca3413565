"""The issuer of tokens for ``AUTHORIZER=jwt make local``: a key, what it publishes, and tokens made with it.

``python -m local.cloud.issuer --key FILE --workspace my-workspace`` prints a token. FILE is the run's: `make local`
names it.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

ISSUER: Final = "https://issuer.blue-faas.local"
AUDIENCE: Final = "blue-faas"
PATH: Final = "/_local/issuer"
"""Where the front serves what `ISSUER` publishes."""
PAGE_CLIENT: Final = "blue-faas-page"
"""What the page at ``/ui`` calls itself; a public client."""
DEVICE_PATH: Final = "/_local/sign-in"
"""Where the front signs in users of the command line (`local.front.device`): the issuer that they name."""
CLI_CLIENT: Final = "blue-faas-cli"
"""What the command line calls itself there; a public client."""
MINUTES: Final = 60
ADMINISTRATOR: Final = "administrator"
"""Subject of tokens that may write the policy, where ``TENANCY=policy``."""


def make_key(file: Path) -> None:
    """Write a new private key, unless there is one."""
    if file.exists():
        return
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as output:
        json.dump(key.as_dict(private=True), output)


def published(file: Path) -> dict[str, Mapping[str, Any]]:
    """Path below `ISSUER` to the document there (OpenID Connect Discovery 1.0; RFC 7517)."""
    public = key_of(file).as_dict(private=False)
    return {
        "/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/keys",
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "/keys": {"keys": [public]},
    }


def mint(file: Path, workspaces: Sequence[str], *, minutes: float = MINUTES, **claims: Any) -> str:
    """Sign a token for a caller of these workspaces; ``claims`` are added, or replace what it would have."""
    key, now = key_of(file), int(time.time())
    standard = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "local",
        "iat": now,
        "exp": now + int(minutes * 60),
        "workspaces": list(workspaces),
    }
    return str(jwt.encode({"alg": "RS256", "kid": key.kid}, {**standard, **claims}, key))


def key_of(file: Path) -> RSAKey:
    """Read the private key."""
    return RSAKey.import_key(json.loads(file.read_text()))


def main() -> None:
    """Print a token."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud.issuer", description=__doc__)
    parser.add_argument("--key", type=Path, required=True, help="the issuer's private key")
    parser.add_argument("--workspace", action="append", default=[], help="workspace of the caller; may be repeated")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long the token is good")
    parser.add_argument("--subject", default="local", help=f"who the caller is; '{ADMINISTRATOR}' makes workspaces")
    given = parser.parse_args()
    if not given.key.is_file():
        parser.error(f"{given.key} does not exist: `AUTHORIZER=jwt make local` makes it and says where it is")
    print(mint(given.key, given.workspace, minutes=given.minutes, sub=given.subject))


if __name__ == "__main__":
    main()
