"""Multipart forms held to what a route declares: no unknown fields, files only where a file is expected.

Powertools ignores fields that a route does not know, and lets a file pass for any text field without validating it. A
misspelt ``app_nmae`` must be told, not dropped; so its request validation is extended at the point where the parsed
body comes out. (`_get_body` and `_route` are private to Powertools: its version is pinned, and
tests/unit/test_http.py fails when they change.)
"""

from typing import Any

from aws_lambda_powertools.event_handler.middlewares.openapi_validation import OpenAPIRequestValidationMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import File, UploadFile


class StrictFormValidation(OpenAPIRequestValidationMiddleware):
    """Request validation that also refuses undeclared form fields and misplaced files (422)."""

    def _get_body(self, app: Any) -> dict[str, Any]:
        body: dict[str, Any] = super()._get_body(app)
        if not app.current_event.headers.get("content-type", "").strip().startswith("multipart/form-data"):
            return body
        declared = {
            parameter.alias: isinstance(parameter.field_info, File)
            for parameter in app.context["_route"].dependant.body_params
        }
        problems = []
        for name, value in body.items():
            if name not in declared:
                known = ", ".join(declared)
                problems.append(_problem(name, "extra_forbidden", f"Unknown field; known fields: {known}"))
            elif isinstance(value, list):
                problems.append(_problem(name, "multiple_values", "Field given more than once"))
            elif declared[name] and not isinstance(value, UploadFile):
                problems.append(_problem(name, "file_expected", "Expected a file: -F file=@app.py"))
            elif not declared[name] and isinstance(value, UploadFile):
                problems.append(_problem(name, "string_type", "Expected text, not a file"))
        if problems:
            raise RequestValidationError(problems)
        return body


def _problem(name: str, kind: str, message: str) -> dict[str, Any]:
    return {"loc": ("body", name[:64]), "type": kind, "msg": message, "input": None}


def strict_form_validation() -> OpenAPIRequestValidationMiddleware:
    """The middleware for `functions.http.create_resolver`."""
    return StrictFormValidation()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations
