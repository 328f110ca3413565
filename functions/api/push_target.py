"""The registry that a request wants its image pushed to: allowed, with credentials, or the stack's own."""

from http import HTTPStatus

from functions.api.http import ApiError
from functions.registry.allow_list import is_allowed
from functions.tasks.environment import Environment
from functions.tasks.submission import Registry


class RegistryNotAllowedError(Exception):
    """The allow-list has no pattern for this registry; the text says so."""


def push_target(
    environment: Environment, repository: str | None, username: str | None, password: str | None
) -> Registry:
    """The push target that a request names, or the stack's own repository.

    Raises
    ------
    ApiError
        Credentials are half there, missing, or for no registry (422).
    RegistryNotAllowedError
        Not on the allow-list.
    """
    if (username is None) != (password is None):
        missing = "username" if username is None else "password"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"username and password go together: {missing} is empty")
    own = environment.default_image_repository
    if repository is None or (repository == own and username is None):
        if username is not None:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "username and password need the registry_url they are for")
        return Registry(own)
    if not is_allowed(repository, environment.registry_allow_list, own):
        raise RegistryNotAllowedError(
            f"registry_url '{repository}' is not among the registries that builds may push to; "
            "ask the platform team to add it to the allow-list"
        )
    if username is None:
        detail = f"registry_url '{repository}' needs username and password; only '{own}' is pushed to without"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return Registry(repository, username, password)
