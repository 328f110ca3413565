"""One workspace as a request may use it: what the policy says it may do, or everything where tenancy is open."""

import re
from dataclasses import dataclass
from typing import Final, Self

from functions.models.workspaces import WorkspaceLimits, WorkspacePolicy
from functions.tenancy import audit

NO_ROUTE: Final = "Nothing is at this path. GET /docs shows the paths of this API."
"""Answer to requests at paths that the API lacks, for everybody or for this caller."""


class NotFoundForCallerError(Exception):
    """What the request names does not exist for this caller: the words are those for what nobody has made."""


class WorkspaceNotFoundError(NotFoundForCallerError):
    """The workspace is not one of the caller's."""

    def __init__(self, workspace_id: str) -> None:
        super().__init__(f"Workspace '{workspace_id}' not found")


class NamespaceClosedToWorkspaceError(NotFoundForCallerError):
    """None of the caller's workspaces may deploy to the namespace."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"Namespace '{namespace}' not found")


class AmbiguousWorkspaceError(Exception):
    """Several workspaces of the caller may do what is asked, and the request does not say which is to."""

    def __init__(self, workspaces: list[str]) -> None:
        super().__init__(f"Say which workspace the app belongs to: workspace_id is one of {', '.join(workspaces)}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that the caller may use."""

    workspace_id: str
    policy: WorkspacePolicy | None
    """None where tenancy is open: nothing is written down, everything is allowed."""

    @property
    def limits(self) -> WorkspaceLimits:
        """What is written down of its limits."""
        return self.policy.limits if self.policy is not None else WorkspaceLimits()

    def may_deploy_to(self, namespace: str) -> bool:
        """Return whether its apps may stand in the namespace."""
        return self.policy is None or namespace in self.policy.namespaces

    def may_use(self, repository: str) -> bool:
        """Return whether it may push to, and run from, a repository (``host/path``) that is not the stack's own."""
        return self.policy is None or any(re.fullmatch(each, repository) for each in self.policy.registries)

    def check_namespace(self, namespace: str) -> None:
        """Raise `NamespaceClosedToWorkspaceError` for a namespace that it may not deploy to."""
        if not self.may_deploy_to(namespace):
            audit.refused(self.workspace_id)
            raise NamespaceClosedToWorkspaceError(namespace)


@dataclass(frozen=True, slots=True)
class AppScope:
    """The apps of a namespace that a request may see and change: those of some workspaces, or all."""

    workspaces: tuple[Workspace, ...]
    enforced: bool
    """False where tenancy is open: every app is in it."""

    @classmethod
    def open(cls, workspace_id: str | None = None) -> Self:
        """Every app; new ones belong to the named workspace, or to none."""
        return cls((Workspace(workspace_id, None),) if workspace_id else (), enforced=False)

    def has(self, workspace_id: str | None) -> bool:
        """Return whether an app of this workspace is in it; None for an app of no workspace."""
        return not self.enforced or self.of(workspace_id) is not None

    def of(self, workspace_id: str | None) -> Workspace | None:
        """Return one of its workspaces by id."""
        return next((each for each in self.workspaces if each.workspace_id == workspace_id), None)

    def only(self) -> Workspace | None:
        """Return the workspace of a new app; None where tenancy is open and the request names none.

        Raises
        ------
        AmbiguousWorkspaceError
            There are several.
        """
        if len(self.workspaces) > 1:
            raise AmbiguousWorkspaceError([each.workspace_id for each in self.workspaces])
        return self.workspaces[0] if self.workspaces else None
