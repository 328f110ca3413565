"""The registry that a request wants its image pushed to: allowed, with credentials, or the stack's own."""

from functions.api.settings import BuildApiSettings
from functions.registry.outcomes import RegistryCredentials
from functions.tasks.submission import Registry
from functions.tenancy import audit
from functions.tenancy.registries import refusal
from functions.tenancy.workspace import Workspace


class RegistryNotAllowedError(Exception):
    """Builds may not push to this registry; the text says which they may."""


class IncompleteRegistryError(Exception):
    """Repository, user name and password do not go together; the text says what is missing."""


def push_target(
    settings: BuildApiSettings,
    workspace: Workspace,
    repository: str | None,
    username: str | None,
    password: str | None,
) -> Registry:
    """Return the push target that a request names, or the stack's own repository.

    Raises
    ------
    IncompleteRegistryError
        Credentials are half there, missing, or for no registry.
    RegistryNotAllowedError
        Not on the service's allow-list, or not among the workspace's registries.
    """
    credentials = _credentials(username, password)
    own = settings.default_image_repository
    if repository is None or (repository == own and credentials is None):
        if credentials is not None:
            raise IncompleteRegistryError("username and password need the registry_url they are for")
        return Registry(own)
    if which := refusal(repository, settings.registry_allow_list, own, workspace):
        audit.refused(workspace.workspace_id)
        raise RegistryNotAllowedError(f"registry_url '{repository}' is not one that builds may push to. {which}")
    if credentials is None:
        raise IncompleteRegistryError(
            f"registry_url '{repository}' needs username and password; only '{own}' is pushed to without"
        )
    return Registry(repository, credentials)


def _credentials(username: str | None, password: str | None) -> RegistryCredentials | None:
    if username is None and password is None:
        return None
    if username is None or password is None:
        missing = "username" if username is None else "password"
        raise IncompleteRegistryError(f"username and password go together: {missing} is empty")
    return RegistryCredentials(username, password)
