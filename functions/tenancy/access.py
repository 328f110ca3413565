"""The one place that decides whose something is. Every route asks it before anything is read or written.

With tenancy ``policy``, a caller may use the workspaces whose policy names one of the caller's principals, and those
that the caller's token lists. What belongs to another workspace does not exist for the caller: 404, in the words for
what nobody has made. With tenancy ``open`` every caller may use every workspace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from functions.tenancy import audit
from functions.tenancy.caller import Caller
from functions.tenancy.policies import Policies, StoredPolicy
from functions.tenancy.settings import TenancySettings
from functions.tenancy.workspace import (
    NO_ROUTE,
    AppScope,
    NamespaceClosedToWorkspaceError,
    NotFoundForCallerError,
    Workspace,
    WorkspaceNotFoundError,
)


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may do."""

    settings: TenancySettings
    caller: Caller

    @classmethod
    def of(cls, settings: TenancySettings, event: Mapping[str, Any]) -> Self:
        """Begin with an API Gateway event."""
        return cls(settings, Caller.of(event))

    def workspace(self, workspace_id: str) -> Workspace:
        """Return a workspace of the caller.

        Raises
        ------
        WorkspaceNotFoundError
            It is none, or there is none.
        """
        if self.settings.tenancy == "open":
            audit.allowed(workspace_id)
            return Workspace(workspace_id, None)
        stored = self._policies.find(workspace_id)
        if stored is None or not self._belongs(stored):
            audit.refused(workspace_id)
            raise WorkspaceNotFoundError(workspace_id)
        audit.allowed(workspace_id)
        return Workspace(workspace_id, stored.policy)

    def workspaces(self) -> list[Workspace]:
        """Return every workspace of the caller, by id; none where tenancy is open."""
        if self.settings.tenancy == "open":
            return []
        return [Workspace(each.workspace_id, each.policy) for each in self._policies.all() if self._belongs(each)]

    def apps(self, namespace: str, workspace_id: str | None) -> AppScope:
        """Return the apps of a namespace that the caller may see and change.

        Parameters
        ----------
        namespace
            It is asked about nothing but its name.
        workspace_id
            The workspace that the request names; None: all of the caller's that may deploy to the namespace.

        Raises
        ------
        WorkspaceNotFoundError
            The workspace is not one of the caller's.
        NamespaceClosedToWorkspaceError
            No such workspace may deploy there.
        """
        audit.note(namespace=namespace)
        if self.settings.tenancy == "open":
            audit.allowed(workspace_id)
            return AppScope.open(workspace_id)
        named = self.workspaces() if workspace_id is None else [self.workspace(workspace_id)]
        scope = AppScope(tuple(each for each in named if each.may_deploy_to(namespace)), enforced=True)
        if not scope.workspaces:
            audit.refused(workspace_id)
            raise NamespaceClosedToWorkspaceError(namespace)
        audit.allowed(scope.workspaces[0].workspace_id if len(scope.workspaces) == 1 else None)
        return scope

    def administers(self, administrators: Sequence[str]) -> bool:
        """Return whether the caller is one of the named principals."""
        return self.caller.is_one_of(administrators)

    def administration(self, administrators: Sequence[str]) -> Policies:
        """Return the policy, to write it.

        Raises
        ------
        NotFoundForCallerError
            The caller is no administrator: the routes do not exist.
        """
        if not self.administers(administrators):
            audit.refused()
            raise NotFoundForCallerError(NO_ROUTE)
        audit.allowed()
        return self._policies

    @property
    def _policies(self) -> Policies:
        return Policies(self.settings.policy_table)

    def _belongs(self, stored: StoredPolicy) -> bool:
        return self.caller.is_one_of(stored.policy.principals) or self.caller.lists(
            stored.workspace_id, self.settings.jwt_workspaces_claim
        )


def as_workspace(settings: TenancySettings, workspace_id: str) -> Workspace:
    """Return a workspace for what is done in its name without a caller: an object in S3, the end of a build.

    Raises
    ------
    WorkspaceNotFoundError
        Nobody has made it, or it has been removed since.
    """
    stored = None
    if settings.tenancy == "policy":
        stored = Policies(settings.policy_table).find(workspace_id)
        if stored is None:
            audit.refused(workspace_id)
            raise WorkspaceNotFoundError(workspace_id)
    audit.allowed(workspace_id)
    return Workspace(workspace_id, stored.policy if stored is not None else None)
