"""Times as kubelets put them before the lines of a log: RFC 3339 with up to nine digits of a second."""

import datetime
from typing import Final

_DIGITS: Final = 9
_SECONDS: Final = len("2026-01-02T03:04:05")


def in_utc(text: str) -> str:
    """Return the time with nine digits and ``Z``: such texts are ordered as their times are.

    Raises
    ------
    ValueError
        It is no time.

    >>> in_utc("2026-01-02T03:04:05Z")
    '2026-01-02T03:04:05.000000000Z'
    >>> in_utc("2026-01-02T12:04:05.123456789+09:00")
    '2026-01-02T03:04:05.123456789Z'
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    # `datetime` keeps microseconds only; a zone is whole minutes, so the fraction is that of the text.
    fraction = text[_SECONDS:].lstrip(".")
    digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
    whole = moment.astimezone(datetime.UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{digits[:_DIGITS]:0<9}Z"


def ago(seconds: int) -> str:
    """Return the time some seconds before now."""
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return in_utc(moment.isoformat())
