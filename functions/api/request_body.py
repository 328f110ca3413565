"""Read a request's body as the route declares it: a multipart form where it takes a file, else one JSON object.

Powertools' own reading is lenient where a mistake must be told: it ignores unknown form fields, takes the first object
of an array, and looks for ``name="`` anywhere in a part's header. So its request validation gets the body from here.
(`_get_body` and `_route` are private to Powertools: its version is pinned, and tests/unit/test_request_body.py fails
when they change.)
"""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import pydantic_core
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import OpenAPIRequestValidationMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import File, UploadFile
from pydantic import BaseModel

from functions.api.media_type import ParameterizedHeader, parse_header
from functions.api.multipart_form import Field, UnreadableFormError, read_form
from functions.models.schema_errors import json_type, own_words, unknown_field

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# `curl -d '{...}'` without -H says the second of JSON, and the documented update commands do just that. No route takes
# a url-encoded form, so such a body can only be meant as JSON.
_JSON_TYPES: Final = ("application/json", "application/x-www-form-urlencoded", "")
_FORM_TYPE: Final = "multipart/form-data"
_FORM_EXAMPLE: Final = "curl -F file=@app.py -F workspace_id=my-workspace"
_LONGEST_BOUNDARY: Final = 200


class UnsupportedMediaTypeError(Exception):
    """The body's Content-Type is not the one that the route takes; the text names that."""


class StrictBody(OpenAPIRequestValidationMiddleware):
    """Request validation on a body that was read strictly."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

    def _get_body(self, app: Any) -> dict[str, Any]:
        event = app.current_event
        try:
            content_type = parse_header(event.headers.get("content-type") or "")
        except ValueError as error:
            raise UnsupportedMediaTypeError(f"Content-Type cannot be read: {error}") from None
        declared = app.context["_route"].dependant.body_params
        parameters = {parameter.alias: isinstance(parameter.field_info, File) for parameter in declared}
        if any(parameters.values()):
            if content_type.value != _FORM_TYPE:
                raise UnsupportedMediaTypeError(
                    f"This request takes a form, Content-Type {_FORM_TYPE}: {_FORM_EXAMPLE}"
                )
            return _form(read_form(_content(event), _boundary(content_type)), parameters)
        example = functools.partial(example_of, *(parameter.type_ for parameter in declared))
        if content_type.value not in _JSON_TYPES:
            raise UnsupportedMediaTypeError(
                f"This request takes JSON, Content-Type application/json: {_curl(example())}"
            )
        body = json_object(_content(event), example)
        if body is None and any(parameter.required for parameter in declared):
            raise RequestValidationError([_problem(("body",), "missing", f"Field required: {_curl(example())}")])
        return body  # type: ignore[return-value]  # Powertools copes with no body


@functools.cache
def example_of(*types: Any) -> str:
    """Return the published example of the first of the types that is a model, as JSON text; ``{}`` without one.

    It takes the model's whole schema to find it, longer than all else of most requests: ask for it only to tell it.
    """
    kinds = [each for kind in types for each in (kind, *get_args(kind))]
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    published = models[0].model_json_schema().get("examples") if models else None
    return json.dumps(published[0]) if published else "{}"


def json_object(content: bytes, example: Callable[[], str], at: tuple[str, ...] = ("body",)) -> dict[str, Any] | None:
    """Parse one JSON object in UTF-8, with or without a byte order mark; None for no content or ``null``.

    Parameters
    ----------
    content
        The text. Depth and numbers are bounded by the parser.
    example
        Makes the text of what could be sent, as JSON; called only when something else was.
    at
        Place that the error names.

    Raises
    ------
    RequestValidationError
        Not JSON, or another value than an object: answered 422.
    """
    content = content.removeprefix(_BYTE_ORDER_MARK)
    if not content.strip():
        return None
    try:
        value = pydantic_core.from_json(content, allow_inf_nan=False)
    except ValueError as error:
        # The parser's "ident" is the rest of true, false or null.
        found = str(error).replace("expected ident", "expected value")
        told = f"Not valid JSON: {found}. Send one object, such as {example()}"
        raise RequestValidationError([_problem(at, "json_invalid", told)]) from None
    if value is not None and not isinstance(value, dict):
        told = f"Expected one JSON object, got {json_type(value)}. Send one, such as {example()}"
        raise RequestValidationError([_problem(at, "dict_type", told)])
    return value


def _curl(example: str) -> str:
    return f"curl -H 'Content-Type: application/json' -d '{example}'"


def _boundary(content_type: ParameterizedHeader) -> str:
    try:
        boundary = content_type.parameter("boundary")
    except ValueError as error:
        raise UnreadableFormError(f"Content-Type cannot be read: {error}") from None
    # RFC 2046 allows 70 characters; some clients write more.
    if not boundary or len(boundary) > _LONGEST_BOUNDARY or not boundary.isprintable():
        raise UnreadableFormError(f"Content-Type {_FORM_TYPE} needs a boundary of 1 to {_LONGEST_BOUNDARY} characters")
    return boundary


def _content(event: Any) -> bytes:
    body = event.body or ""
    return base64.b64decode(body) if event.is_base64_encoded else body.encode("utf-8", "surrogatepass")


def _form(fields: Mapping[str, list[Field]], parameters: Mapping[str, bool]) -> dict[str, Any]:
    """Hold a form to the declared parameters, each with whether it is a file."""
    problems = []
    fields = {name: [_text_of_json(value, parameters.get(name)) for value in values] for name, values in fields.items()}
    for name, values in fields.items():
        if name not in parameters:
            problems.append(_problem(("body", name), "extra_forbidden", unknown_field(name, parameters)))
        elif len(values) > 1:
            problems.append(_problem(("body", name), "multiple_values", "Field given more than once"))
        elif parameters[name] and not isinstance(values[0], UploadFile):
            problems.append(_problem(("body", name), "file_expected", "Expected a file: -F file=@app.py"))
        elif not parameters[name] and isinstance(values[0], UploadFile):
            problems.append(_problem(("body", name), "string_type", "Expected text, not a file"))
    if problems:
        raise RequestValidationError(problems)
    return {name: values[0] for name, values in fields.items()}


def _text_of_json(value: Field, is_file: bool | None) -> Field:
    """Return the text of a JSON part that is no file: pages in a browser send JSON as a blob, with a file's name."""
    if is_file is False and isinstance(value, UploadFile) and value.content_type == "application/json":
        return value.content.decode("utf-8", "replace")
    return value


def _problem(at: tuple[str, ...], kind: str, message: str) -> dict[str, Any]:
    return {"loc": at, "type": kind, "msg": message, "ctx": own_words(message)}
