"""Workspaces as the API takes and shows them: who belongs to one, and what it may do."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from functions.contracts.names import WorkspaceId
from functions.models.deploy import Namespace
from functions.models.principals import Principal
from functions.models.requests import RequestModel
from functions.models.values import Moment, PageToken

MOST_PRINCIPALS: Final = 100
MOST_NAMESPACES: Final = 100
MOST_REGISTRIES: Final = 50
MOST_RUNNING: Final = 1000
"""A workspace's item lists the ids of its running tasks: at most 40 KB of them."""

_PRINCIPALS: Final = (
    "Callers who belong to the workspace: roles and users by their ARN (`arn:aws:iam::ACCOUNT:role/NAME`), one session "
    "of a role (`arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`), or tokens by a claim (`claim:NAME=VALUE`)."
)
_PRINCIPAL: Final = "arn:aws:iam::123456789012:role/team-a"
_EXAMPLE: Final[dict[str, Any]] = {
    "principals": [_PRINCIPAL, "claim:groups=team-a"],
    "namespaces": ["team-a"],
    "registries": [r"registry\.example\.com/team-a/.+"],
}
"""Example of each list."""
_NAMESPACES: Final = "Kubernetes namespaces that the workspace may deploy to."
_REGISTRIES: Final = (
    "Regular expressions of further image repositories (`host/path`) that the workspace may push to and run from; the "
    "service's own allow-list limits them. The service's own repository needs no entry."
)


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


RegistryPattern = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_check_pattern),
    Field(json_schema_extra={"format": "regex", "examples": _EXAMPLE["registries"]}),
]


class WorkspaceLimits(RequestModel):
    """Limits of one workspace. A field that is ``null`` counts as absent; the service's own limit holds then."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"running_builds": 20, "kept_tasks": 1000}]})

    running_builds: Annotated[int, Field(ge=1, le=MOST_RUNNING)] | None = Field(
        default=None,
        description="Maximum number of tasks that have not ended. Default: set by the platform.",
        examples=[20],
    )
    kept_tasks: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Maximum number of tasks that are kept. Default: set by the platform.",
        examples=[1000],
    )
    waiting_requests: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Maximum number of requests that wait (`wait`) at the same time. Default: set by the platform.",
        examples=[10],
    )


class WorkspacePolicy(RequestModel):
    """What is written down of a workspace. A field that is ``null`` counts as absent; what is absent is not allowed."""

    principals: list[Principal] = Field(
        default=[], max_length=MOST_PRINCIPALS, description=_PRINCIPALS, examples=[_EXAMPLE["principals"]]
    )
    namespaces: list[Namespace] = Field(
        default=[], max_length=MOST_NAMESPACES, description=_NAMESPACES, examples=[_EXAMPLE["namespaces"]]
    )
    registries: list[RegistryPattern] = Field(
        default=[], max_length=MOST_REGISTRIES, description=_REGISTRIES, examples=[_EXAMPLE["registries"]]
    )
    limits: WorkspaceLimits = Field(default=WorkspaceLimits(), description="Limits that differ from the platform's.")


class WorkspaceWritten(WorkspacePolicy):
    """A workspace's new policy, which replaces the one before."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_EXAMPLE, "limits": {"running_builds": 20}, "version": 3}]}
    )

    version: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        examples=[3],
        description="Version that this policy replaces, 0 for a workspace that must not exist yet; with another "
        "version the request is refused. Default: replace any.",
    )


class OwnWorkspace(BaseModel):
    """A workspace as its members see it."""

    workspace_id: WorkspaceId = Field(description="Id of the workspace.", examples=["team-a"])
    namespaces: list[str] = Field(description=_NAMESPACES, examples=[_EXAMPLE["namespaces"]])
    registries: list[str] = Field(description=_REGISTRIES, examples=[_EXAMPLE["registries"]])
    limits: WorkspaceLimits = Field(description="Limits that differ from the platform's.")


class WorkspaceState(OwnWorkspace):
    """A workspace as an administrator sees it."""

    version: int = Field(description="Number of times that the policy has been written.", examples=[3])
    updated_at: Moment = Field(description="Time of the latest write (ISO 8601, UTC).")
    updated_by: str = Field(
        description="Administrator who wrote the policy.", examples=["arn:aws:iam::123456789012:role/administrator"]
    )
    principals: list[str] = Field(description=_PRINCIPALS, examples=[_EXAMPLE["principals"]])


class WorkspacePage(BaseModel):
    """A page of workspaces, ordered by id."""

    workspaces: list[WorkspaceState] = Field(description="Workspaces of this page.")
    next: PageToken | None = Field(
        description="Token of the next page, for the query parameter `next`; null if this is the last page."
    )


class WorkspaceDeleted(BaseModel):
    """Confirmation that a workspace has been deleted."""

    workspace_id: str = Field(description="Id of the deleted workspace.", examples=["team-a"])
    message: str = Field(
        default="Workspace deleted. Its tasks, images and apps are kept, and nobody can reach them",
        description="Confirmation for people.",
    )


class OwnWorkspaces(BaseModel):
    """The caller, and the workspaces that the caller may use."""

    caller: str = Field(
        description="Caller, as the service's log names it.",
        examples=["arn:aws:sts::123456789012:assumed-role/team-a/alice"],
    )
    tenancy: Literal["policy", "open"] = Field(
        description="policy: the caller may use the listed workspaces. open: every caller may use every workspace.",
        examples=["policy"],
    )
    administrator: bool = Field(description="Whether the caller may write workspaces.")
    workspaces: list[OwnWorkspace] = Field(description="Workspaces of the caller, ordered by id.")
