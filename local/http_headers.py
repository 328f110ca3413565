"""Headers of what is sent on: a request, and the answer to one."""

from collections.abc import Container, Iterable, Sequence
from typing import Final

HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
"""Headers between neighbours (RFC 9110, "Connection")."""
DATE: Final = b"date"
"""A server of ours dates every answer itself; an answer has one (RFC 9110, "Date")."""
_MADE_ANEW: Final = frozenset((b"content-length", b"content-encoding", DATE))
"""Headers of an answer whose content was read whole, and unpacked."""


def forwarded(headers: Sequence[tuple[bytes, bytes]], without: Container[bytes]) -> list[tuple[bytes, bytes]]:
    r"""Return headers as another server takes them.

    Blanks around a value are no part of it (RFC 9110, "Field Values"); clients that send requests on refuse them.

    >>> forwarded([(b"Host", b"a"), (b"X-Name", b"Ada\t ")], {b"host"})
    [(b'X-Name', b'Ada')]

    Parameters
    ----------
    without
        Names in lower case that are left out.
    """
    return [(name, value.strip(b" \t")) for name, value in headers if name.lower() not in without]


def answered(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer as a server of ours sends them on: in order, each as often as it came.

    >>> answered([(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"Date", b"now"), (b"TE", b"x")])
    [(b'set-cookie', b'a=1'), (b'set-cookie', b'b=2')]
    """
    return [(name.lower(), value) for name, value in headers if name.lower() not in HOP_BY_HOP | _MADE_ANEW]
