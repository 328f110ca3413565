"""The door of the AWS process: who comes in has signed, under an address of this machine, or is one of its own parts.

ministack answers more than AWS APIs on its port: pages of its own under ``/_ministack``, API Gateway and websites by
the Host header, the registry. A function on this machine reaches that port like anybody else.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from local.aws.credentials import RunCredentials
from local.aws.iam.conditions import UnknownConditionError
from local.aws.iam.signature import Request

if TYPE_CHECKING:
    from local.aws.seams.ecr import Registry

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Refusal = tuple[int, dict[str, Any], list[tuple[bytes, bytes]]]
"""Status, body and more headers of an answer."""

FRONT_HEADER: Final = b"x-blue-faas-front"
HOST_HEADER: Final = b"x-blue-faas-host"
"""The Host that the front was called by: a client signs it."""
HEALTH: Final = "/_ministack/health"
_EXECUTE_API: Final = "/_aws/execute-api/"
_OWN_PAGES: Final = ("/_", "/health", "/restapis/")
_REGISTRY: Final = re.compile(r"/v2/?|/v2/_catalog|/v2/.+/(blobs|manifests|referrers)/.*|/v2/.+/tags/list")
"""ministack keeps API Gateway's and SES's own /v2/ APIs on the same port."""


ARRIVED: Final[ContextVar[Request]] = ContextVar("arrived")
"""The request of the API that is being answered, as the front got it."""


class Gate:
    """An ASGI app before ministack's. ``registry`` judges requests of the registry's API by their password."""

    def __init__(
        self,
        app: Any,
        port: int,
        credentials: RunCredentials,
        registry: "Registry",
        before_answer: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """``before_answer`` is called before an API answers, with the name that its requests are signed for."""
        self._app = app
        self._before_answer = before_answer
        self._hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}
        self._front = credentials.front_secret.encode()
        self._registry = registry

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["type"] != "http" or headers.get(b"host") not in self._hosts:
            await answer(send, *_forbidden("This is no address of the AWS APIs of this machine."))
            return
        if scope["path"].startswith(_EXECUTE_API):
            receive = await _arrive(scope, headers, receive)
        refused = self._registry_refusal if _REGISTRY.fullmatch(scope["path"]) else self._refusal
        if (refusal := refused(scope, headers)) is not None:
            await answer(send, *refusal)
            return
        # Nobody signs a request to 127.0.0.1 by TLS; on AWS each of these would have come by it.
        proto = headers.get(b"x-forwarded-proto", b"https")
        kept = [(k, v) for k, v in scope["headers"] if k not in (FRONT_HEADER, HOST_HEADER, b"x-forwarded-proto")]
        try:
            await self._app(
                {**scope, "headers": [*kept, (b"x-forwarded-proto", proto)]}, receive, self._held(scope, headers, send)
            )
        except UnknownConditionError as error:
            await answer(send, 500, {"__type": "InternalFailure", "message": str(error)})

    def _held(self, scope: Any, headers: dict[bytes, bytes], send: Send) -> Send:
        """``send``, held back until what is answered is kept."""
        before_answer = self._before_answer
        if before_answer is None:
            return send
        signed_for = "ecr" if _REGISTRY.fullmatch(scope["path"]) else _signed_for(headers.get(b"authorization", b""))

        async def send_when_kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                await before_answer(signed_for)
            await send(message)

        return send_when_kept

    def _registry_refusal(self, scope: Any, headers: dict[bytes, bytes]) -> Refusal | None:
        """Why a request of the registry's API may not come in; None when it may."""
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        refused = self._registry.refusal(scope["method"], scope["path"], authorization)
        if refused is None:
            return None
        status, reason = refused
        if status == HTTPStatus.UNAUTHORIZED:
            challenge = [(b"www-authenticate", self._registry.challenge)]
            return status, {"errors": [{"code": "UNAUTHORIZED", "message": reason}]}, challenge
        return status, {"errors": [{"code": "DENIED", "message": reason}]}, []

    def _refusal(self, scope: Any, headers: dict[bytes, bytes]) -> Refusal | None:
        """Why any other request may not come in; None when it may."""
        path: str = scope["path"]
        if path == HEALTH and scope["method"] == "GET":
            return None
        if path.startswith(_EXECUTE_API):
            known = hmac.compare_digest(headers.get(FRONT_HEADER, b""), self._front)
            return None if known else _forbidden("This is reached through the front of the one-machine cloud.")
        if path.startswith(_OWN_PAGES):
            return _forbidden("This page is not served.")
        authorization = headers.get(b"authorization", b"")
        if authorization.startswith(b"AWS4-HMAC-SHA256 ") or b"X-Amz-Signature=" in scope["query_string"]:
            return None  # that the signature is right, ministack checks
        return _forbidden("The request must contain a signature (AWS Signature Version 4).")


def _signed_for(authorization: bytes) -> str:
    """Read the service in a signature's scope, ``Credential=KEY/DATE/REGION/SERVICE/aws4_request``; empty without."""
    scope = authorization.partition(b"Credential=")[2].partition(b",")[0].split(b"/")
    return scope[3].decode("latin-1") if len(scope) == 5 else ""


async def _arrive(scope: Any, headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """Keep the request in `ARRIVED`, without what the front put around it; the body can be received again."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    own = (FRONT_HEADER, HOST_HEADER, b"host")
    kept = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"] if k not in own]
    host = headers.get(HOST_HEADER, b"").decode("latin-1")
    # /_aws/execute-api/API/STAGE/…
    path = "/" + scope["raw_path"].decode("latin-1").split("/", 5)[5]
    query = scope["query_string"].decode("latin-1")
    ARRIVED.set(Request(scope["method"], path, query, (("host", host), *kept), body))
    rest = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def again() -> Message:
        return next(rest, None) or await receive()

    return again


def _forbidden(reason: str) -> Refusal:
    return HTTPStatus.FORBIDDEN, {"__type": "MissingAuthenticationToken", "message": reason}, []


async def answer(send: Send, status: int, body: dict[str, Any], more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Send a JSON answer, with ``more`` headers."""
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
