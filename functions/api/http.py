"""HTTP in and out for every API function: one resolver, one shape of error.

Clients were written against a FastAPI server, so errors are ``{"detail": ...}``: a text, or FastAPI's list of
``{"loc", "msg", "type"}`` for a request that does not match the schema (422). Both are in the description
(`functions.models.service.Problem`).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.shared.json_encoder import Encoder
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from functions.api.multipart_form import UnreadableFormError
from functions.api.request_body import StrictBody, UnsupportedMediaTypeError
from functions.models.schema_errors import reason
from functions.tasks.waiting import TooManyWaitingError
from functions.telemetry import logger
from functions.tenancy import audit
from functions.tenancy.audit import AuditEntry
from functions.tenancy.workspace import NO_ROUTE, AmbiguousWorkspaceError, NotFoundForCallerError

_HALF_PAIR: Final = re.compile(r"[\ud800-\udfff]")
_MOST_PROBLEMS: Final = 20
_LONGEST_NAME: Final = 64
_LONGEST_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """What an error becomes on its way out.

    ``detail`` is shown to the caller as it is: what happened, where, what to do; never a secret.
    """

    status: HTTPStatus
    detail: str
    headers: Mapping[str, str]


def create_resolver() -> APIGatewayHttpResolver:
    """Powertools' HTTP API resolver with validation on and every error answered as ``{"detail": ...}``."""
    app = APIGatewayHttpResolver(enable_validation=True, serializer=_json)
    app._request_validation_middleware = StrictBody()

    def unexpected(error: Exception) -> Response[Any]:
        logger.exception("request failed unexpectedly", exc_info=error)
        request_id = getattr(app.lambda_context, "aws_request_id", "unknown")
        return answer(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            f"The service failed unexpectedly. Try again; if it persists, quote request {request_id}.",
        )

    app.exception_handler(NotFoundForCallerError)(_as(HTTPStatus.NOT_FOUND))
    app.exception_handler(AmbiguousWorkspaceError)(_as(HTTPStatus.UNPROCESSABLE_ENTITY))
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(UnsupportedMediaTypeError)(_unsupported)
    app.exception_handler(UnreadableFormError)(_unreadable)
    app.exception_handler(TooManyWaitingError)(_too_many_wait)
    app.exception_handler([ClientError, BotoCoreError])(_unavailable)
    app.exception_handler(Exception)(unexpected)
    app.not_found(_no_route)
    return app


def resolve(
    app: APIGatewayHttpResolver,
    event: dict[str, Any],
    context: LambdaContext,
    max_body_bytes: int = 1_000_000,
    larger: str = "",
) -> dict[str, Any]:
    """Answer one API Gateway event (payload format 2.0) with ``app``, and write its line of the audit log.

    Parameters
    ----------
    max_body_bytes
        Larger bodies are answered 413. Lambda itself takes 6 MB of event, in which the body is base64: 4.5 MB of body.
    larger
        What to do with a larger body.
    """
    entry = AuditEntry.of_request(event)
    with audit.recording(entry):
        if _body_size(event) > max_body_bytes:
            detail = f"The request is larger than {max_body_bytes:,} bytes. {larger}".rstrip()
            answered = _plain_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        else:
            answered = app.resolve(_without_blank_parameters(event), context)
            if answered["body"] is None:
                del answered["body"]
        entry.status = int(answered["statusCode"])
    return answered


def answer(status: HTTPStatus, detail: Any, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Return the response to a request that failed, in the API's one form."""
    return Response(
        status_code=int(status),
        content_type=content_types.APPLICATION_JSON,
        body={"detail": detail},
        headers=dict(headers or {}),
    )


def _json(value: Any) -> str:
    """Write JSON whose text a person can read in every language, as Powertools writes it otherwise."""
    written = json.dumps(value, separators=(",", ":"), cls=Encoder, ensure_ascii=False)
    # Half a surrogate pair, which JSON can name and a caller can have quoted, is no text that UTF-8 could carry.
    return json.dumps(value, separators=(",", ":"), cls=Encoder) if _HALF_PAIR.search(written) else written


def _without_blank_parameters(event: dict[str, Any]) -> dict[str, Any]:
    """Leave out query parameters without a value: as in bodies, an empty value is the same as none."""
    parameters = event.get("queryStringParameters") or {}
    return {**event, "queryStringParameters": {name: value for name, value in parameters.items() if value != ""}}


def _body_size(event: Mapping[str, Any]) -> int:
    body = event.get("body") or ""
    return len(body) // 4 * 3 - body[-2:].count("=") if event.get("isBase64Encoded") else len(body.encode())


def _plain_answer(status: HTTPStatus, detail: str) -> dict[str, Any]:
    headers = {"Content-Type": content_types.APPLICATION_JSON}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps({"detail": detail})}


def _invalid(error: RequestValidationError) -> Response[Any]:
    # Pydantic also reports `input`: left out, it may hold a password. Names of fields are the caller's, of any length,
    # as many as fit into a request. Lambda answers 6 MB at most.
    problems = [
        {"loc": [_cut(part) for part in e["loc"]], "msg": _cut(reason(e), _LONGEST_MESSAGE), "type": e["type"]}
        for e in error.errors()
    ]
    more = len(problems) - _MOST_PROBLEMS
    if more > 0:
        rest = {"loc": ["body"], "msg": f"{more:,} more problems like these", "type": "more_problems"}
        problems = [*problems[:_MOST_PROBLEMS], rest]
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, problems)


def _cut(part: Any, longest: int = _LONGEST_NAME) -> Any:
    return f"{part[:longest]}…" if isinstance(part, str) and len(part) > longest else part


def _as(status: HTTPStatus) -> Callable[[Exception], Response[Any]]:
    return lambda error: answer(status, str(error))


def _unsupported(error: UnsupportedMediaTypeError) -> Response[Any]:
    return answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))


def _unreadable(error: UnreadableFormError) -> Response[Any]:
    return answer(HTTPStatus.BAD_REQUEST, str(error))


def _too_many_wait(error: TooManyWaitingError) -> Response[Any]:
    return answer(HTTPStatus.TOO_MANY_REQUESTS, str(error), {"Retry-After": str(error.retry_after)})


def _unavailable(error: Exception) -> Response[Any]:
    # botocore has retried by now. Its text may name resources of ours: the log has it, the caller gets none of it.
    logger.exception("an AWS service refused or did not answer", exc_info=error)
    detail = "A service that this one needs is not answering. Try again in a moment."
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})


def _no_route(_: NotFoundError) -> Response[Any]:
    return answer(HTTPStatus.NOT_FOUND, NO_ROUTE)
