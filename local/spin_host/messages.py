"""HTTP requests and answers as they pass between the server, the guests and the outside: whole bodies, raw headers."""

from dataclasses import dataclass, field
from typing import Final

Headers = list[tuple[str, bytes]]
"""Names in lower case with values as sent; a name may come more than once."""


_DIGITS_OF_64_BITS: Final = 20

BODILESS: Final = frozenset({204, 304})
"""Statuses of answers without a body; their ``content-length`` speaks of another answer."""


@dataclass(frozen=True)
class HttpRequest:
    """A request to a component, or from one."""

    method: str
    target: str
    """Path and query as sent, percent-encoding kept."""
    authority: str
    """``host[:port]``."""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    scheme: str = "http"

    @property
    def path(self) -> str:
        """`target` without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> bytes | None:
        """First value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True)
class HttpResponse:
    """An answer."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    cut_off: bool = False
    """The connection ends without any of this: the guest left its answer incomplete."""

    def has_unreadable_length(self) -> bool:
        """Whether the guest set a ``content-length`` that is no number: Spin then answers 500."""
        return self.content_length() is None and any(name == "content-length" for name, _ in self.headers)

    def content_length(self) -> int | None:
        """Return the ``content-length`` that the guest set; None without one that is a 64-bit number."""
        value = next((value for name, value in self.headers if name == "content-length"), b"")
        return int(value) if value.isdigit() and len(value) < _DIGITS_OF_64_BITS else None


def plain(status: int, text: str) -> HttpResponse:
    """Make an answer of the runtime itself: one line of text."""
    return HttpResponse(status, [("content-type", b"text/plain; charset=utf-8")], f"{text}\n".encode())
