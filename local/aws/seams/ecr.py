"""The registry's passwords belong to who asked for them: pushing and pulling needs that caller's ``ecr:`` permissions.

ministack gives everyone the same password, and asks for none.
Reference: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html, and for the permissions of each
request https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html. That page wants
BatchCheckLayerAvailability for every push without saying which request asks for it. Here it is the one that puts the
manifest, whose layers have to be there.
"""

import base64
import re
import secrets
import time
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import _request_account_id, _request_region, get_account_id, get_region, json_response
from ministack.services import ecr as service

from local.aws.settings import Settings

TOKEN_SECONDS: Final = 12 * 3600
_REPOSITORY: Final = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>blobs|manifests|referrers|tags)/(?P<rest>.*)")
_MANIFESTS: Final = {"PUT": ("BatchCheckLayerAvailability", "PutImage"), "DELETE": ("BatchDeleteImage",)}
_UPLOADS: Final = {
    "POST": ("InitiateLayerUpload",),
    "PATCH": ("UploadLayerPart",),
    "PUT": ("UploadLayerPart", "CompleteLayerUpload"),
}


class Registry:
    """Judges requests of the registry's API by the password that they bring."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[bytes, tuple[str, float]] = {}

    @property
    def challenge(self) -> bytes:
        """WWW-Authenticate of a 401."""
        host = f"{self._settings.account}.dkr.ecr.{self._settings.region}.amazonaws.com"
        return f'Basic realm="https://{host}/",service="ecr.amazonaws.com"'.encode()

    def token(self, access_key: str, password: str | None = None, seconds: float = TOKEN_SECONDS) -> str:
        """Make a token with which requests are made as the holder of ``access_key``."""
        now = time.time()
        for old in [old for old, (_, until) in list(self._keys.items()) if until < now]:
            self._keys.pop(old, None)
        pair = f"AWS:{password or secrets.token_urlsafe(40)}".encode()
        self._keys[pair] = (access_key, now + seconds)
        return base64.b64encode(pair).decode()

    def refusal(self, method: str, path: str, authorization: str) -> tuple[int, str] | None:
        """Status and reason when a request may not come in; None when it may."""
        key = self._holder(authorization)
        if key is None:
            return 401, "Not Authorized"
        match = _REPOSITORY.fullmatch(path)
        if match is None:
            return None
        account, region = self._settings.account, self._settings.region
        tokens = _request_account_id.set(account), _request_region.set(region)
        try:
            resource = f"arn:aws:ecr:{region}:{account}:repository/{match['name']}"
            for operation in _operations(method, match["kind"], match["rest"]):
                action = f"ecr:{operation}"
                refused = iam_evaluator.enforce(key, action, "ecr", region, resource)
                if refused is not None:
                    return 403, _reason(refused, action, resource)
        finally:
            _request_account_id.reset(tokens[0])
            _request_region.reset(tokens[1])
        return None

    def _holder(self, authorization: str) -> str | None:
        """Find the access key behind a Basic password; that is a random one, so that looking it up tells nothing."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            key, until = self._keys[base64.b64decode(given.strip(), validate=True)]
        except (KeyError, ValueError):
            return None
        return key if time.time() < until else None


def _operations(method: str, kind: str, rest: str) -> tuple[str, ...]:
    if kind == "tags":
        return ("ListImages",)
    if kind == "referrers":
        return ("BatchGetImage",)  # API_ListImageReferrers names no permission of its own
    if kind == "manifests":
        return _MANIFESTS.get(method, ("BatchGetImage",))
    if rest.startswith("uploads"):
        return _UPLOADS.get(method, ("InitiateLayerUpload",))
    return ("GetDownloadUrlForLayer",) if method == "GET" else ("BatchCheckLayerAvailability",)


def _reason(refused: Any, action: str, resource: str) -> str:
    if isinstance(refused, iam_evaluator.AuthError):
        return str(refused.message)
    explicit = refused.decision == "Deny"
    return str(iam_actions.identity_denial_message(action, refused.principal_arn, resource, explicit))


def install(settings: Settings) -> Registry:
    """Replace GetAuthorizationToken."""
    registry = Registry(settings)
    handle = service.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if not headers.get("x-amz-target", "").endswith(".GetAuthorizationToken"):
            return await handle(method, path, headers, body, query)
        account, region = get_account_id(), get_region()
        key = iam_evaluator._verified_key.get()
        data = {
            "authorizationToken": registry.token(key),
            "expiresAt": int(time.time()) + TOKEN_SECONDS,
            "proxyEndpoint": f"https://{account}.dkr.ecr.{region}.amazonaws.com",
        }
        return json_response({"authorizationData": [data]})

    service.handle_request = handle_request
    return registry
