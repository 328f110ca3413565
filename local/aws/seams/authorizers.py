"""API Gateway's authorizers: signatures and tokens are really checked, before a function is called.

ministack compares an API's signatures with the address behind the front, and takes tokens without an expiry.
References: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from ministack import app as service
from ministack.core import iam_evaluator
from ministack.core.arn import execute_api_arn
from ministack.core.responses import get_account_id
from ministack.services import apigateway

from local.aws.gate import ARRIVED
from local.aws.iam import signature
from local.aws.settings import Settings
from local.cloud.issuer import ISSUER

Answer = tuple[int, dict[str, str], bytes]

INVOKE: Final = "execute-api:Invoke"


def install(settings: Settings) -> None:
    """Replace both."""

    def enforce_execute_api(
        api_id: str, stage: str, method: str, path: str, _headers: Any, _query: Any, **_options: Any
    ) -> Answer | None:
        if service._execute_api_authorization_type(api_id, stage, method, path) != "AWS_IAM":
            return None
        region, account = settings.region, get_account_id()
        try:
            key = signature.check(ARRIVED.get(), "execute-api", region, _secret_of, datetime.now(UTC))
        except signature.SignatureError:
            return _refused(403, "Forbidden")
        iam_evaluator._signed_request.set(None)  # ministack would compare it with the address behind the front
        resource = execute_api_arn(region, account, api_id, stage, method, path)
        refused = iam_evaluator.enforce(key, INVOKE, "apigateway", region, resource)
        return _refused(403, "Forbidden") if refused is not None else None

    async def validate_jwt_authorizer(route: Any, authorizer: Any, headers: Any, query: Any) -> Any:
        token = apigateway._extract_token_from_identity_source(authorizer.get("identitySource", []), headers, query)
        try:
            claims = await _claims(settings, str(token or ""), authorizer["jwtConfiguration"])
        except (JoseError, ValueError, KeyError, OSError):
            return None, None, _refused(401, "Unauthorized")
        scopes = str(claims.get("scope", "")).split()
        wanted = route.get("authorizationScopes") or []
        if wanted and not set(wanted) & set(scopes):
            return None, None, _refused(403, "Forbidden")
        return claims, scopes, None

    service._enforce_execute_api = enforce_execute_api
    apigateway._validate_jwt_authorizer = validate_jwt_authorizer


def _secret_of(access_key: str, token: str) -> str | None:
    found = iam_evaluator.resolve_credential(access_key, get_account_id(), token)
    return None if isinstance(found, iam_evaluator.CredentialResolutionError) else str(found.secret_access_key)


async def _claims(settings: Settings, token: str, authorizer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of a good token: signature, key id, issuer, audience, times. Raises when it is not."""
    keys = KeySet.import_key_set(await _key_set(settings, str(authorizer["issuer"])))
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    if not decoded.header.get("kid"):
        raise ValueError("the token names no key")
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": authorizer["issuer"]}, exp={"essential": True}, leeway=0
    )
    registry.validate(decoded.claims)
    audience = decoded.claims.get("aud", decoded.claims.get("client_id"))
    named = audience if isinstance(audience, list) else [audience]
    if not set(map(str, named)) & set(authorizer["audience"]):
        raise ValueError("the token is for somebody else")
    return dict(decoded.claims)


async def _key_set(settings: Settings, issuer: str) -> Any:
    """Fetch the issuer's keys as OpenID Connect Discovery says; `ISSUER` is the front, whatever a resolver thinks."""
    import httpx  # only APIs with this authorizer need it

    from local.cloud.authorities import authorities

    here = settings.issuer_address
    if issuer != ISSUER or here is None:
        raise OSError(f"{issuer} is not an issuer that this machine knows")
    async with httpx.AsyncClient(verify=authorities(), timeout=5, trust_env=False) as client:
        discovered = (await client.get(f"{here}/.well-known/openid-configuration")).raise_for_status().json()
        if discovered["issuer"] != issuer:
            raise ValueError("the discovery document is another issuer's")
        keys = await client.get(str(discovered["jwks_uri"]).replace(issuer, here, 1))
        return keys.raise_for_status().json()


def _refused(status: int, message: str) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()
