"""``python -m infra.tools.openapi``: write the OpenAPI document from the code of all functions.

The document is checked in (docs/openapi.json), shipped with the functions and served at /openapi.json. A test fails if
it differs from the code.
"""

import inspect
import json
import os
import re
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from infra.tools.build_folder import ROOT
from infra.tools.openapi_parts import INFO, LINKS, SECURITY_SCHEMES, TAGS
from infra.tools.openapi_schemas import FORM, Schema, add_example, correct_form, tidy, without_null

DESCRIPTION: Final = ROOT / "docs" / "openapi.json"
_OPEN: Final = frozenset({"/health"})
_PROBLEM: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OF_BODIES: Final = {
    "413": "The request is larger than the limit.",
    "415": "The body is not of the type that the operation takes.",
}
"""Responses of every operation that takes a body."""
_FORM_NAME: Final = "BuildForm"
_REFERENCE: Final = re.compile(r"#/components/schemas/([A-Za-z0-9_.-]+)")


def describe() -> dict[str, Any]:
    """Return the OpenAPI document of all routes of all functions."""
    # Powertools and boto3 need these when the functions are imported; their values are not used.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "true")
    from functions.handlers import builds, deploy, health

    paths: dict[str, Any] = {}
    schemas: dict[str, Schema] = {}
    for app in (builds.app, deploy.app, health.app):
        part = _described_by(app)
        for items, into in ((part["paths"], paths), (part["components"]["schemas"], schemas)):
            if twice := [name for name in items if name in into and items[name] != into[name]]:
                raise ValueError(f"described differently by two functions: {', '.join(twice)}")
            into.update(items)
    for path, item in paths.items():
        for operation in item.values():
            _complete(operation, is_open=path in _OPEN)
    schemas = _referenced(schemas, paths)
    for name, schema in schemas.items():
        tidy(schema)
        add_example(name, schemas)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "tags": list(TAGS),
        "paths": _in_order_of_use(paths),
        "components": {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES},
    }


def _described_by(app: APIGatewayHttpResolver) -> dict[str, Any]:
    """Return the document of one function, with its form as clients are to see it."""
    routes = (*app._static_routes, *app._dynamic_routes)
    for route in routes:
        # Powertools takes a description as an argument of the route only: the function's docstring is one.
        route.description = route.description or inspect.getdoc(route.func)
    part: dict[str, Any] = json.loads(app.get_openapi_json_schema())
    schemas = part["components"]["schemas"]
    for route in routes:
        if (form := schemas.pop(f"Body_{route.operation_id}", None)) is not None:
            correct_form(route.func, form)
            schemas[_FORM_NAME] = form | {"title": _FORM_NAME}
    return part


def _complete(operation: dict[str, Any], *, is_open: bool) -> None:
    """Say of an operation what Powertools does not say, and take back what it says too much."""
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        without_null(schema)
        tidy(schema)
        schema.pop("description", None)
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()
    responses = operation["responses"]
    if is_open:
        operation["security"] = []
        # Powertools adds its own 422 to every route that does not describe one; these take no input.
        del responses["422"]
    if "requestBody" in operation:
        for status, description in _OF_BODIES.items():
            responses.setdefault(status, {"description": description, "content": _PROBLEM})
        if (form := operation["requestBody"]["content"].get(FORM)) is not None:
            form["schema"] = {"$ref": f"#/components/schemas/{_FORM_NAME}"}
            form["encoding"] = {"deploy": {"contentType": "application/json"}}
    operation["responses"] = dict(sorted(responses.items()))
    if links := LINKS.get(operation["operationId"]):
        next(answer for status, answer in responses.items() if status.startswith("2"))["links"] = links


def _in_order_of_use(paths: dict[str, Any]) -> dict[str, Any]:
    """Sort paths by their tags; those of one tag short ones first, and what makes something before what lists it."""
    tags = [tag["name"] for tag in TAGS]

    def place(path: str) -> tuple[int, int, bool, str]:
        operations = paths[path]
        tag = next(iter(operations.values()))["tags"][0]
        return tags.index(tag), path.count("/"), "post" not in operations, path

    return {path: paths[path] for path in sorted(paths, key=place)}


def _referenced(schemas: dict[str, Schema], paths: dict[str, Any]) -> dict[str, Schema]:
    """Return the schemas that the paths refer to, directly or through others."""
    found: dict[str, Any] = {}
    texts = [json.dumps(paths)]
    while texts:
        names = _REFERENCE.findall(texts.pop())
        new = {name: schemas[name] for name in names if name not in found}
        found.update(new)
        texts += [json.dumps(schema) for schema in new.values()]
    return dict(sorted(found.items()))


def text() -> str:
    """Return the document as text, as the file has it."""
    return json.dumps(describe(), indent=2, ensure_ascii=False) + "\n"


def write(path: Path = DESCRIPTION) -> None:
    """Write the document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
