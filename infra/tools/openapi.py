"""``python -m infra.tools.openapi``: write the OpenAPI document from the code of all functions.

The document is checked in (docs/openapi.json), shipped with the functions and served at /openapi.json. A test fails if
it differs from the code.
"""

import inspect
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from infra.tools.build_folder import ROOT

DESCRIPTION: Final = ROOT / "docs" / "openapi.json"
_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_INFO: Final = {
    "title": "Blue FaaS",
    "version": _PROJECT["version"],
    "summary": _PROJECT["description"],
    "description": "Build Python sources as WebAssembly components and run them on Kubernetes. The stack's authorizer "
    "decides who may call: it checks IAM signatures (default) or JSON Web Tokens. Every error is a JSON object with "
    "the field `detail`.",
}
_SECURITY_SCHEMES: Final = {
    "iam": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4 for the service execute-api.",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "JSON Web Token; its claims say which workspaces are the caller's.",
    },
}
_OPEN: Final = frozenset({"/health"})
_REFERENCE: Final = re.compile(r"#/components/schemas/([A-Za-z0-9_.-]+)")


def describe() -> dict[str, Any]:
    """Return the OpenAPI document of all routes of all functions."""
    # Powertools and boto3 need these when the functions are imported; their values are not used.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "true")
    from functions.handlers import builds, deploy, health

    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for app in (builds.app, deploy.app, health.app):
        for route in (*app._static_routes, *app._dynamic_routes):
            # Powertools takes a description as an argument of the route only: the function's docstring is one.
            route.description = route.description or inspect.getdoc(route.func)
        part = json.loads(app.get_openapi_json_schema())
        for route in (*app._static_routes, *app._dynamic_routes):
            _correct_form(route.func, part["components"]["schemas"].get(f"Body_{route.operation_id}"))
        for found, into in ((part["paths"], paths), (part.get("components", {}).get("schemas", {}), schemas)):
            if twice := [name for name in found if name in into and found[name] != into[name]]:
                raise ValueError(f"described differently by two functions: {', '.join(twice)}")
            into.update(found)
    for path in _OPEN:
        for operation in paths[path].values():
            operation["security"] = []
            # Powertools adds its own 422 to every route that does not describe one; these take no input.
            operation["responses"].pop("422")
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _SECURITY_SCHEMES],
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": _SECURITY_SCHEMES, "schemas": _referenced(schemas, paths)},
    }


def _correct_form(function: Callable[..., Any], form: dict[str, Any] | None) -> None:
    """Let a form require the fields without a default, and no field have the value null.

    Powertools puts the fields of a form together in a model that has lost their defaults. A form sends text: clients
    made from ``null`` send the text "None".
    """
    if form is None:
        return
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    form["required"] = [name for name in form["required"] if defaults[name] is inspect.Parameter.empty]
    for field in form["properties"].values():
        kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1:
            del field["anyOf"]
            field.update(kinds[0])


def _referenced(schemas: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
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
    return json.dumps(describe(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(path: Path = DESCRIPTION) -> None:
    """Write the document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
