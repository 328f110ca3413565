"""What every endpoint of the run's issuer has: forms with each parameter once, and errors as RFC 6749 names them."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
"""Of what the issuer shows in a browser."""


class RefusedError(Exception):
    """What is wrong with a request, by the error code of RFC 6749 or RFC 8628."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def once(encoded: str, names: frozenset[str]) -> dict[str, str]:
    """Return the parameters, each of which has to be there once, and no other."""
    pairs = parse_qsl(encoded, keep_blank_values=True)
    given = [name for name, _ in pairs]
    if sorted(given) != sorted(names):
        wrong = sorted(names.symmetric_difference(given)) or sorted({name for name in given if given.count(name) > 1})
        raise RefusedError("invalid_request", f"Missing, unknown or repeated: {', '.join(wrong)}")
    return dict(pairs)


async def token_answer(request: Request, answer: Callable[[str], Mapping[str, object]]) -> Response:
    """Answer a public client: what is made of its form, or why nothing is."""
    headers = {"Cache-Control": "no-store"}
    try:
        if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise RefusedError("invalid_request", "The body is no form.")
        if "authorization" in request.headers:
            raise RefusedError("invalid_client", "The client is public: it has no credentials.")
        content = answer((await request.body()).decode("latin-1"))
    except RefusedError as refused:
        return JSONResponse({"error": refused.error, "error_description": str(refused)}, 400, headers)
    return JSONResponse(content, headers=headers)
