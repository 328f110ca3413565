"""The API's description, as this installation offers it.

The description covers functions of other bundles too, so it is generated beforehand (`python -m infra.tools.openapi`)
and shipped as a file. It has every operation and every way to say who calls; here goes what the installation lacks.
"""

import copy
import functools
import json
import re
from pathlib import Path
from typing import Any, Final, Literal

Authorizer = Literal["iam", "jwt", "none"]

DESCRIPTION: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
_APPS: Final = "Apps"
"""Tag of the deploy function's operations."""
_ADMINISTRATION: Final = "Administration"
"""Tag of what administrators alone may do: nobody is one where nobody says who calls."""
_BLOCK: Final = "deploy"
"""Property of the requests that may ask for a deployment."""


@functools.cache
def description(*, deploys: bool, authorizer: Authorizer) -> str:
    """Return the OpenAPI document as JSON text.

    Parameters
    ----------
    deploys
        Whether there is a cluster to deploy to.
    authorizer
        How the API asks who calls.
    """
    document: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    if not deploys:
        document = _without_deployments(document)
    if authorizer == "none":
        document = _without_operations(document, _ADMINISTRATION)
    return json.dumps(_with_authorizer(document, authorizer), ensure_ascii=False)


def methods_of(path: str, *, deploys: bool, authorizer: Authorizer) -> list[str]:
    """Return the methods of every operation at a path, of whichever function."""
    return sorted(
        method.upper()
        for template, operations in _paths(deploys=deploys, authorizer=authorizer).items()
        if template.fullmatch(path)
        for method in operations
    )


@functools.cache
def _paths(*, deploys: bool, authorizer: Authorizer) -> dict[re.Pattern[str], list[str]]:
    paths = json.loads(description(deploys=deploys, authorizer=authorizer))["paths"]
    return {re.compile(re.sub(r"{\w+}", "[^/]+", path)): list(operations) for path, operations in paths.items()}


def _without_deployments(document: dict[str, Any]) -> dict[str, Any]:
    """Remove what needs a cluster: the routes about apps, and ``deploy`` in builds."""
    components = copy.deepcopy(document["components"])
    for schema in components["schemas"].values():
        schema.get("properties", {}).pop(_BLOCK, None)
    return _without_operations(document, _APPS) | {"components": components}


def _without_operations(document: dict[str, Any], tag: str) -> dict[str, Any]:
    """Remove the paths whose operations have a tag, and the tag."""
    paths = {
        path: operations
        for path, operations in document["paths"].items()
        if not any(tag in operation["tags"] for operation in operations.values())
    }
    return document | {"paths": paths, "tags": [each for each in document["tags"] if each["name"] != tag]}


def _with_authorizer(document: dict[str, Any], authorizer: Authorizer) -> dict[str, Any]:
    """Leave the one way to say who calls that the installation takes."""
    schemes = document["components"]["securitySchemes"]
    components = {name: part for name, part in document["components"].items() if name != "securitySchemes"}
    if authorizer == "none":
        return document | {"security": [], "components": components}
    return document | {
        "security": [{authorizer: []}],
        "components": {"securitySchemes": {authorizer: schemes[authorizer]}, **components},
    }
