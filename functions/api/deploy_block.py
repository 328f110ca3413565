"""Read the ``deploy`` field of a build's form: JSON text, held to the rules of a deploy."""

import functools

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import ValidationError

from functions.api.request_body import example_of, json_object
from functions.models.deploy import DeployOptions


def parse_block(text: str) -> DeployOptions:
    """Parse the field ``deploy`` of a form.

    Raises
    ------
    RequestValidationError
        It is no JSON object that a deploy would take: answered 422, with the place.
    """
    body = json_object(text.encode(), functools.partial(example_of, DeployOptions), ("body", "deploy"))
    try:
        return DeployOptions.model_validate({} if body is None else body)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise RequestValidationError([{**p, "loc": ("body", "deploy", *p["loc"])} for p in problems]) from None
