"""Which workspaces a caller may name. API Gateway has checked who calls; this is about what that caller may see.

With the ``jwt`` authorizer a claim of the token lists the caller's workspaces, and any other workspace does not exist
for that caller: 404, the same as for one that nobody uses. With ``iam``, who may invoke the API may name every
workspace (callers are services that act for their users); so it is on one machine, with no authorizer.
"""

import re
from collections.abc import Mapping
from typing import Any

from functions.api.settings import BuildApiSettings


class WorkspaceNotFoundError(Exception):
    """The workspace does not exist for this caller; the text says so."""

    def __init__(self, workspace_id: str) -> None:
        super().__init__(f"Workspace '{workspace_id}' not found")


def check_workspace(settings: BuildApiSettings, event: Mapping[str, Any], workspace_id: str) -> None:
    """Refuse a request that names a workspace which is not among the caller's.

    Parameters
    ----------
    settings
        Which authorizer stands before the API, and the claim that it checks.
    event
        The API Gateway event (payload format 2.0).
    workspace_id
        The workspace that the request names.

    Raises
    ------
    WorkspaceNotFoundError
        It is none of the caller's.
    """
    if settings.authorizer == "jwt" and workspace_id not in workspaces_in(event, settings.jwt_workspaces_claim):
        raise WorkspaceNotFoundError(workspace_id)


def workspaces_in(event: Mapping[str, Any], claim: str) -> frozenset[str]:
    """Workspaces that the request's token lists: none without a token or without the claim."""
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    value = ((authorizer.get("jwt") or {}).get("claims") or {}).get(claim)
    return frozenset(_names(value))


def _names(value: object) -> list[str]:
    """Return the names in a claim, in any of the forms in which API Gateway passes one.

    An HTTP API hands claims over as strings, and an array as ``[a b]``. Issuers that cannot put arrays into a token
    send ``a b`` (as ``scope`` does), ``a,b`` or JSON. No workspace id has a space, comma, bracket or quotation mark.
    """
    if isinstance(value, list):
        return [name for name in value if isinstance(name, str)]
    if not isinstance(value, str):
        return []
    return [name for name in re.split(r"[\s,\"\[\]]+", value) if name]
