"""The files of the page as a browser gets them: content, media type, entity tag."""

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).resolve().parent / "static"
"""Folder of the page. ``vendor/`` in it is filled at set-up (`infra.tools.page`)."""
INDEX: Final = "index.html"

_NAME: Final = re.compile(r"(?:[a-z]+/)?[a-z-]+\.(?P<extension>[a-z]+)")
_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of the page."""

    text: str
    media_type: str
    etag: str
    """Strong entity tag: a digest of the content, in quotes (RFC 9110, 8.8.3)."""

    def is_known_by(self, if_none_match: str | None) -> bool:
        """Whether the request's header If-None-Match names this content (RFC 9110, 13.1.2)."""
        named = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
        return self.etag in named or named == ["*"]


@functools.cache
def find(name: str) -> StaticFile | None:
    """Return the file of the page that has this name below ``/ui/``; None if there is none."""
    match = _NAME.fullmatch(name)
    media_type = _MEDIA_TYPES.get(match["extension"]) if match else None
    path = STATIC / name
    if media_type is None or not path.is_file():
        return None
    content = path.read_bytes()
    return StaticFile(content.decode(), media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
