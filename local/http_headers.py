"""Headers of a request that is sent on."""

from collections.abc import Container, Sequence


def forwarded(headers: Sequence[tuple[bytes, bytes]], without: Container[bytes]) -> list[tuple[bytes, bytes]]:
    r"""Return headers as another server takes them.

    Blanks around a value are no part of it (RFC 9110, "Field Values"); clients that send requests on refuse them.

    >>> forwarded([(b"Host", b"a"), (b"X-Name", b"Ada\\t ")], {b"host"})
    [(b'X-Name', b'Ada')]

    Parameters
    ----------
    without
        Names in lower case that are left out.
    """
    return [(name, value.strip(b" \t")) for name, value in headers if name.lower() not in without]
