"""The API over HTTP: requests out, typed answers in, refusals as errors."""

import functools
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from blue_faas_cli.authorities import authorities
from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.signing import authentication

Model = TypeVar("Model", bound=BaseModel)

LONG_POLL_SECONDS: Final = 20
"""What requests ask for as ``wait``; the API takes up to 25."""
_TIMEOUT: Final = httpx.Timeout(40, connect=10)
_MOST_PAUSES: Final = 3
_PAUSE_SECONDS: Final = 1.0
"""Before a request is sent again that API Gateway has refused: it says no time."""
_LONGEST_PAUSE: Final = 15.0
"""Seconds. Longer is asked for where somebody has to do something before."""


def task_path(task_id: str) -> str:
    """Return the path of a task."""
    return f"/api/v1/tasks/{quote(task_id, safe='')}"


@dataclass(frozen=True)
class Answer(Generic[Model]):
    """An answer: as it came, and as its model."""

    raw: dict[str, Any]
    typed: Model


class Api:
    """The API that the settings name."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._http = httpx.Client(
            base_url=settings.url,
            timeout=_TIMEOUT,
            # A connection that was not made carried no request.
            transport=transport or httpx.HTTPTransport(retries=2, verify=authorities()),
        )

    @functools.cached_property
    def _auth(self) -> httpx.Auth | None:
        """Made for the first request that says who calls: others need no credentials."""
        return authentication(self._settings)

    def get(self, model: type[Model], path: str, **query: Any) -> Answer[Model]:
        """GET; query parameters that are None are left out."""
        return self.call("GET", model, path, params={name: value for name, value in query.items() if value is not None})

    def health(self) -> str:
        """Ask whether the service is there, without credentials; returns the time at which it answered."""
        answer = self._send("GET", "/health")
        if not answer.is_success or "date" not in answer.headers:
            raise _refusal(answer, self._settings)
        return str(answer.headers["date"])

    def deploys(self) -> bool:
        """Ask whether the service has a cluster to deploy to, without credentials."""
        answer = self._send("GET", "/openapi.json")
        if not answer.is_success:
            raise _refusal(answer, self._settings)
        return "/api/v1/deploy" in answer.json()["paths"]

    def has_page(self) -> bool:
        """Ask whether the service has the page at ``/ui``, without credentials."""
        return self._send("GET", "/ui").is_success

    def post(self, model: type[Model], path: str, **request: Any) -> Answer[Model]:
        """POST with a new Idempotency-Key."""
        return self.call("POST", model, path, headers={"Idempotency-Key": str(uuid.uuid4())}, **request)

    def delete(self, model: type[Model], path: str, **query: Any) -> Answer[Model]:
        """DELETE."""
        return self.call("DELETE", model, path, params=query)

    def call(self, method: str, model: type[Model], path: str, **request: Any) -> Answer[Model]:
        """Send one request.

        Raises
        ------
        BlueError
            The API does not respond, refuses, or answers what is no answer of it.
        """
        answer = self._send(method, path, auth=self._auth, **request)
        if not answer.is_success:
            raise _refusal(answer, self._settings)
        try:
            raw = answer.json()
            return Answer(raw, model.model_validate(raw))
        except (ValueError, ValidationError):
            raise BlueError(
                f"{self._settings.url} answers what Blue FaaS does not: is this the API's address, and is `blue` as "
                "new as the service?",
                Exit.NO_ANSWER,
            ) from None

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request, again when it was one too many: nothing has been done with it then."""
        answer = self._send_once(method, path, **request)
        for _ in range(_MOST_PAUSES):
            pause = _pause_before_the_next(answer)
            if pause is None:
                break
            time.sleep(pause)
            answer = self._send_once(method, path, **request)
        return answer

    def _send_once(self, method: str, path: str, **request: Any) -> httpx.Response:
        # A write is sent again only where its Idempotency-Key makes both one.
        repeatable = method == "GET" or "/build-and-push" in path or "/uploads" in path
        for last in (False, True) if repeatable else (True,):
            try:
                return self._http.request(method, path, **request)
            except httpx.ConnectError:
                raise _no_answer(self._settings) from None
            except httpx.HTTPError as error:
                if last:
                    raise BlueError(
                        f"{self._settings.url} did not answer {method} {path}: {error or type(error).__name__}",
                        Exit.NO_ANSWER,
                    ) from None
        raise AssertionError("the last try returns or raises")


def _pause_before_the_next(answer: httpx.Response) -> float | None:
    """Return the seconds after which a request that was one too many may be sent again; None when it is no use."""
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return None
    asked = answer.headers.get("retry-after", "")
    seconds = float(asked) if asked.isdecimal() else _PAUSE_SECONDS
    return seconds if seconds <= _LONGEST_PAUSE else None


def _no_answer(settings: Settings) -> BlueError:
    hint = "`blue up` starts one on this machine; --url names another." if settings.is_local else "Is the URL right?"
    return BlueError(f"No API answers at {settings.url}. {hint}", Exit.NO_ANSWER)


def _refusal(answer: httpx.Response, settings: Settings) -> BlueError:
    """Return the error for an answer other than success: the API's text, and what to do about a gateway's."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    status = answer.status_code
    text = _text_of(body) or f"{settings.url} answers HTTP {status}"
    if "detail" not in body and status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        text = f"{settings.url} does not let this caller in ({text}). {_way_in(settings)}"
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) and "retry-after" in answer.headers:
        text += f" (try again in {answer.headers['retry-after']} s)"
    is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return BlueError(text, Exit.NO_ANSWER if is_failure else Exit.REFUSED, body or None)


def _text_of(body: dict[str, Any]) -> str:
    detail = body.get("detail", body.get("message", ""))
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}" for each in detail)
    return str(detail)


def _way_in(settings: Settings) -> str:
    if settings.authorizer == "none":
        return "It asks who calls: --authorizer iam signs with AWS credentials, BLUE_TOKEN sends a token."
    if settings.authorizer == "jwt":
        if settings.token is None:
            return "Its issuer or audience may not be the API's; `blue doctor` shows whose token it is."
        return "The token in BLUE_TOKEN may have expired, or is of another issuer."
    return "The AWS credentials need execute-api:Invoke on this API; `blue doctor` shows whose they are."
