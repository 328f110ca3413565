"""API Gateway's authorizers before the service of the tests: signatures and tokens are verified as on one machine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from starlette.requests import Request

from local.aws.iam import signature
from local.cloud.issuer import AUDIENCE, ISSUER, key_of

REGION: Final = "ap-northeast-2"
ACCESS_KEY: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEYS: Final[Mapping[str, str]] = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_REGION": REGION,
}
SESSION_TOKEN: Final = "session"
"""Of temporary credentials with the same key."""
_OPEN: Final = ("/health", "/openapi.json", "/docs")

Refusal = tuple[int, dict[str, Any]]


def signatures(request: Request, body: bytes) -> Refusal | None:
    """Refuse what is not signed with the key of the tests, to the last byte."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    arrived = signature.Request(request.method, path, query, headers, body)
    secrets = {(ACCESS_KEY, ""): SECRET_KEY, (ACCESS_KEY, SESSION_TOKEN): SECRET_KEY}
    try:
        signature.check(arrived, "execute-api", REGION, lambda key, token: secrets.get((key, token)), datetime.now(UTC))
    except signature.SignatureError:
        return None if request.url.path in _OPEN else (403, {"message": "Forbidden"})
    return None


def tokens(key: Path) -> Any:
    """Refuse what has no token of the issuer with this key."""

    def refuse(request: Request, body: bytes) -> Refusal | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            leeway=0,
        )
        try:
            registry.validate(jwt.decode(token, key_of(key), algorithms=["RS256"]).claims)
        except (JoseError, ValueError):
            kind = ""
        is_let_in = kind == "Bearer" or request.url.path in _OPEN
        return None if is_let_in else (401, {"message": "Unauthorized"})

    return refuse
