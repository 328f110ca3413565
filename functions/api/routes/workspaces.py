"""Workspaces: those of the caller, and the policy of all of them for administrators."""

from http import HTTPStatus
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.api.documented_responses import RETRY_AFTER, documented, responses
from functions.api.page_parameters import MOST_ENTRIES, Limit, NextToken
from functions.api.settings import BuildApiSettings
from functions.contracts.names import WorkspaceId
from functions.models.workspaces import (
    OwnWorkspace,
    OwnWorkspaces,
    WorkspaceDeleted,
    WorkspacePage,
    WorkspacePolicy,
    WorkspaceState,
    WorkspaceWritten,
)
from functions.tasks.paging import position_in, token_for
from functions.tenancy.access import Access
from functions.tenancy.policies import Policies, StoredPolicy
from functions.tenancy.workspace import WorkspaceNotFoundError

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

WorkspaceInPath = Annotated[WorkspaceId, Path(description="Id of the workspace.")]
_ADMINISTRATION: Final = {
    HTTPStatus.NOT_FOUND: "The workspace does not exist, or the caller is no administrator.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request does not match the schema.",
    HTTPStatus.SERVICE_UNAVAILABLE: f"A service that this one depends on does not respond. {RETRY_AFTER}",
}
_CONFLICT: Final = {HTTPStatus.CONFLICT: "The workspace is at another version than the one to replace."}


@router.get(
    "/api/v1/workspaces",
    summary="List the caller's workspaces",
    tags=["Workspaces"],
    operation_id="listOwnWorkspaces",
    responses=documented(OwnWorkspaces),
)
def list_own_workspaces() -> OwnWorkspaces:
    """Get the caller as the service knows it, and the workspaces that the caller may use."""
    settings, access = BuildApiSettings.read(), _access()
    own = [
        OwnWorkspace(workspace_id=workspace.workspace_id, **dict(workspace.policy))
        for workspace in access.workspaces()
        if workspace.policy is not None
    ]
    administrator = access.administers(settings.administrators)
    return OwnWorkspaces(
        caller=access.caller.name, tenancy=settings.tenancy, administrator=administrator, workspaces=own
    )


@router.get(
    "/api/v1/admin/workspaces",
    summary="List all workspaces",
    tags=["Administration"],
    operation_id="listWorkspaces",
    responses=responses(WorkspacePage, _ADMINISTRATION),
)
def list_workspaces(
    limit: Limit = MOST_ENTRIES,
    next: NextToken = None,  # noqa: A002  # the query parameter's name
) -> WorkspacePage:
    """List up to ``limit`` workspaces, ordered by id. The token ``next`` of the response leads to further ones."""
    found, after = _policies(_access()).page(limit, None if next is None else position_in(next))
    return WorkspacePage(
        workspaces=[_state(stored) for stored in found], next=None if after is None else token_for(after)
    )


@router.get(
    "/api/v1/admin/workspaces/<workspace_id>",
    summary="Get a workspace",
    tags=["Administration"],
    operation_id="getWorkspace",
    responses=responses(WorkspaceState, _ADMINISTRATION),
)
def get_workspace(workspace_id: WorkspaceInPath) -> WorkspaceState:
    """Get who belongs to a workspace, and what it may do."""
    stored = _policies(_access()).find(workspace_id)
    if stored is None:
        raise WorkspaceNotFoundError(workspace_id)
    return _state(stored)


@router.put(
    "/api/v1/admin/workspaces/<workspace_id>",
    summary="Create a workspace, or replace its policy",
    tags=["Administration"],
    operation_id="putWorkspace",
    responses=responses(WorkspaceState, {**_ADMINISTRATION, **_CONFLICT}),
)
def put_workspace(workspace_id: WorkspaceInPath, request: Annotated[WorkspaceWritten, Body()]) -> WorkspaceState:
    """Write who belongs to a workspace, and what it may do. The next request of each caller is held to it."""
    access = _access()
    policies = _policies(access)
    policy = WorkspacePolicy(**request.model_dump(exclude={"version"}))
    return _state(policies.write(workspace_id, policy, access.caller.name, request.version))


@router.delete(
    "/api/v1/admin/workspaces/<workspace_id>",
    summary="Delete a workspace",
    tags=["Administration"],
    operation_id="deleteWorkspace",
    responses=responses(WorkspaceDeleted, _ADMINISTRATION),
)
def delete_workspace(workspace_id: WorkspaceInPath) -> WorkspaceDeleted:
    """Delete the policy of a workspace. Its tasks, images and apps are kept; a workspace of that id has them again."""
    if not _policies(_access()).delete(workspace_id):
        raise WorkspaceNotFoundError(workspace_id)
    return WorkspaceDeleted(workspace_id=workspace_id)


def _access() -> Access:
    return Access.of(BuildApiSettings.read(), router.current_event.raw_event)


def _policies(access: Access) -> Policies:
    """Return the policy to an administrator; to others these routes do not exist."""
    return access.administration(BuildApiSettings.read().administrators)


def _state(stored: StoredPolicy) -> WorkspaceState:
    return WorkspaceState(
        workspace_id=stored.workspace_id,
        version=stored.version,
        updated_at=stored.updated_at,
        updated_by=stored.updated_by,
        **dict(stored.policy),
    )
