"""What can go wrong with a registry, by what the caller can do about it.

Every message ends with the registry's own words, cut to one short line: enough to act on, never a page of HTML.
"""

import json
from typing import Final

_LONGEST_MESSAGE: Final = 300


class RegistryError(Exception):
    """A registry could not do what was asked. ``url`` names the request; ``status`` is None without an answer.

    ``body`` is the answer as text, uncut, for callers that have their own way to show it.
    """

    def __init__(self, summary: str, *, url: str, status: int | None = None, body: str = "") -> None:
        self.url = url
        self.status = status
        self.body = body
        said = trimmed_message(body)
        super().__init__(f"{summary}: {said}" if said else summary)


class NotFoundError(RegistryError):
    """No such repository, tag, manifest or blob (404)."""


class UnauthorizedError(RegistryError):
    """No credentials, or ones the registry does not take (401, 403)."""


class RefusedError(RegistryError):
    """The registry understood and said no: a bad digest, an immutable tag, a limit (any other 4xx and 5xx)."""


class UnreachableError(RegistryError):
    """No answer: nobody listens, the name does not resolve, TLS fails, or the connection broke."""


class CorruptContentError(RegistryError):
    """What came back is not what was asked for: its digest or its shape is wrong."""


def trimmed_message(body: str) -> str:
    """Put the registry's own words on one line: the messages of an OCI error body, else the start of the text."""
    text = "; ".join(message or code for code, message in _envelope(body)) or body
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def _envelope(body: str) -> list[tuple[str, str]]:
    """Code and message of each entry of ``{"errors": [{"code", "message"}]}``; empty when it is something else."""
    try:
        errors = json.loads(body)["errors"]
        return [(str(e.get("code", "")), str(e.get("message", ""))) for e in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
