"""The API behind the page: requests go on as `blue`'s own, answers come back as they are."""

import re
from typing import Final

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from blue_faas_cli.authorities import authorities
from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError
from blue_faas_cli.signing import authentication

METHODS: Final = ["GET", "POST", "DELETE"]
MOST_BYTES: Final = 6_000_000
"""Bytes of a request's body: more than the service takes, so that it is the one that says so."""
_PATH: Final = re.compile(r"/api/v1(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
"""Paths that are sent on: every name that the API knows, no segment that means "up" or "here", nothing encoded."""
_REQUEST_HEADERS: Final = ("accept", "content-type", "idempotency-key")
_ANSWER_HEADERS: Final = ("content-type", "retry-after", "allow")
_TIMEOUT: Final = httpx.Timeout(40, connect=10)


class Forwarding:
    """Sends requests to the API that the settings name.

    Raises
    ------
    BlueError
        There are no credentials for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(
            base_url=settings.url, auth=authentication(settings), timeout=_TIMEOUT, verify=authorities()
        )

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._http.aclose()

    async def answer(self, request: Request) -> Response:
        """Answer one request as the API does."""
        path = request.scope["raw_path"].decode("latin-1")
        if not _PATH.fullmatch(path):
            return JSONResponse({"detail": "Not Found"}, 404)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                detail = f"The request is larger than {MOST_BYTES:,} bytes"
                return JSONResponse({"detail": detail}, 413, headers={"connection": "close"})
        headers = {name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers}
        try:
            answer = await self._http.request(
                request.method, path, params=httpx.QueryParams(request.url.query), headers=headers, content=bytes(body)
            )
        except httpx.HTTPError as error:
            text = f"{self._settings.url} did not answer: {error or type(error).__name__}"
            return JSONResponse({"detail": text}, 502)
        except BlueError as error:
            return JSONResponse({"detail": str(error)}, 502)
        kept = {name: answer.headers[name] for name in _ANSWER_HEADERS if name in answer.headers}
        return Response(answer.content, answer.status_code, {**kept, "cache-control": "no-store"})
