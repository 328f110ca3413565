"""Whose an app is: a label of its SpinApp, set when the app is made."""

from typing import Final

from functions.cluster.errors import MissingError
from functions.cluster.names import Object, ObjectName
from functions.tenancy import audit
from functions.tenancy.workspace import AppScope

WORKSPACE: Final = "blue-faas/workspace"
"""Label with the id of the workspace. Every workspace id is the value of a label."""


def workspace_of(app: Object) -> str | None:
    """Return the workspace of an app; None for one that no workspace has made."""
    workspace_id: str | None = (app["metadata"].get("labels") or {}).get(WORKSPACE)
    return workspace_id


def selector(scope: AppScope) -> str:
    """Return the label selector of a scope's apps, or of the workspace that a request names; empty for all apps."""
    return f"{WORKSPACE} in ({','.join(each.workspace_id for each in scope.workspaces)})" if scope.workspaces else ""


def check_owner(app: Object, scope: AppScope) -> None:
    """Raise `MissingError` for an app that is not in the scope: it does not exist for the caller."""
    workspace_id = workspace_of(app)
    if not scope.has(workspace_id):
        audit.refused()
        raise not_found(ObjectName.of(app))
    audit.allowed(workspace_id)


def is_made_for(app: Object, other: Object) -> bool:
    """Return whether an object is the operator's for this very app, not just one of its name."""
    return any(owner.get("uid") == app["metadata"]["uid"] for owner in other["metadata"].get("ownerReferences") or [])


def not_found(name: ObjectName) -> MissingError:
    """Return the error about an app that is not there, or not for this caller."""
    return MissingError(f"App '{name.name}' not found in namespace '{name.namespace}'")
