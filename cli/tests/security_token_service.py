"""STS's part in a pipeline: a token and a role in, a session's credentials out, as far as the role trusts the token."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.background import serve
from tests.support.trust import trusts

ACCESS_KEY: Final = "ASIAPIPELINE00000001"
_KEY: Final = OctKey.generate_key(256)
_SESSION: Final = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>{ACCESS_KEY}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
    <SessionToken>session</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""
_DENIED: Final = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
  <Type>Sender</Type><Code>AccessDenied</Code>
  <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message>
</Error></ErrorResponse>"""


def token(claims: dict[str, str]) -> str:
    """A token of the pipeline's issuer."""
    return jwt.encode({"alg": "HS256"}, claims, _KEY)


@contextmanager
def sts(role_arn: str, trust_policy: dict[str, Any]) -> Iterator[str]:
    """Serve STS for one role; the address."""

    async def answer(request: Request) -> Response:
        asked = {name: value for name, (value,) in parse_qs((await request.body()).decode()).items()}
        assert (asked["Action"], asked["RoleArn"]) == ("AssumeRoleWithWebIdentity", role_arn)
        trusted = trusts(trust_policy, jwt.decode(asked["WebIdentityToken"], _KEY).claims)
        return Response(_SESSION if trusted else _DENIED, 200 if trusted else 403, media_type="text/xml")

    with serve(Starlette(routes=[Route("/", answer, methods=["POST"])])) as url:
        yield url
