"""Tags of built images: which source they were made from, and by which workspace.

Only the builder names images that it pushes, so a tag in the stack's own repository is proof of its workspace. A
workspace id may be any text that a tag may be (`functions.contracts.names.WorkspaceId`), so it stands there as it is.
"""

import re
from typing import Final

SOURCE_DIGITS: Final = 16
"""Hexadecimal digits of a digest over what was built. They come first: a tag never begins like a mark of the deploy
function (`functions.contracts.names.DEPLOYED_TAG`), whatever the workspace is called."""

_TAG: Final = re.compile(rf"[0-9a-f]{{{SOURCE_DIGITS}}}-(?P<workspace_id>.+)")


def image_tag(source_digest: bytes, workspace_id: str) -> str:
    """Return the tag of the image that ``workspace_id`` builds from a source.

    >>> image_tag(bytes.fromhex("7d0c3f9a51e2b846ffff"), "team-a")
    '7d0c3f9a51e2b846-team-a'
    """
    return f"{source_digest.hex()[:SOURCE_DIGITS]}-{workspace_id}"


def workspace_of(tag: str) -> str | None:
    """Return the workspace that made the image of a tag; None for a tag of another form.

    >>> workspace_of("7d0c3f9a51e2b846-team-a"), workspace_of("latest")
    ('team-a', None)
    """
    match = _TAG.fullmatch(tag)
    return match["workspace_id"] if match else None
