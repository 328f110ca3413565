"""Which image repositories may be pushed to and run from: one meaning for builds and deploys."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from functions.contracts.image_reference import same_repository
from functions.tenancy.workspace import Workspace

_MOST_PATTERNS: Final = 5
"""Patterns that a refusal shows."""


def refusal(repository: str, allowed: Sequence[str], own: str, workspace: Workspace | None) -> str | None:
    """Return which repositories may be used, and whom to ask for more; None for one that may be.

    Parameters
    ----------
    repository
        ``host/path`` of the image.
    allowed
        Setting ``registry_allow_list``: patterns for `re.fullmatch`.
    own
        The stack's own repository, which everybody may use.
    workspace
        The workspace that wants to use it; None: tenancy is open.
    """
    if same_repository(repository, own):
        return None
    by_service = any(re.fullmatch(pattern, repository) for pattern in allowed)
    if by_service and (workspace is None or workspace.may_use(repository)):
        return None
    if workspace is None or workspace.policy is None:
        return (
            f"Allowed are '{own}'{_those_that_match(allowed)}. Use one of these, or ask the operator to add another to "
            "the setting registry_allow_list."
        )
    # The service's list may name registries of other workspaces: it is not shown here.
    which = "the workspace's registries" if by_service else "registry_allow_list and the workspace's registries"
    others = _those_that_match(workspace.policy.registries)
    return (
        f"Workspace '{workspace.workspace_id}' may use '{own}'{others}. Use one of these, or ask an administrator to "
        f"add another to {which}."
    )


def _those_that_match(patterns: Iterable[str]) -> str:
    shown = list(patterns)
    more = f" and {len(shown) - _MOST_PATTERNS} more" if len(shown) > _MOST_PATTERNS else ""
    return f", and those that match {', '.join(shown[:_MOST_PATTERNS])}{more}" if shown else ""
