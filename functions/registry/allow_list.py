"""Which registries builds push to and apps are deployed from: the operator's allow-list, one meaning for both."""

import re
from collections.abc import Iterable


def is_allowed(repository: str, patterns: Iterable[str], own: str) -> bool:
    """Whether ``host/repository`` may be used: the stack's own may, any other when a pattern matches the whole of it.

    Parameters
    ----------
    patterns
        Setting ``registry_allow_list``, for `re.fullmatch`. An empty list allows the stack's own repository alone.
    own
        The stack's own ``host/repository``.
    """
    return repository == own or any(re.fullmatch(pattern, repository) for pattern in patterns)
