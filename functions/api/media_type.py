"""Read header values of the form ``value; name=parameter``: Content-Type, Content-Disposition.

The standard library's email package does the reading. It takes parameters in any order, quoted or not, with escapes, in
any case, and in the extended form ``name*=charset''value`` (RFC 2045, RFC 2183, RFC 2231; RFC 5987 is a subset).
"""

import urllib.parse
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final

_HEADER: Final = "content-type"
_LONGEST: Final = 10_240
"""Characters: API Gateway takes as many bytes of all headers of a request together."""


@dataclass(frozen=True, slots=True)
class ParameterizedHeader:
    """A header value split into its parts."""

    value: str
    """What stands before the first semicolon, in lower case: ``multipart/form-data``."""
    _message: Message = field(repr=False)

    def parameter(self, name: str) -> str | None:
        """Read one parameter; None where the header does not have it. The extended form wins (RFC 6266).

        Raises
        ------
        ValueError
            An extended value (``name*=``) that is not text in the character set that it names, or parameters that
            contradict each other.
        """
        try:
            found: list[tuple[str, Any]] = list(self._message.get_params([], _HEADER))  # a value may be a tuple
        except (TypeError, AttributeError, IndexError):
            # Of the email package, for a value that is said to be in pieces (``name*1``) and whole.
            raise ValueError("its parameters contradict each other") from None
        values = [value for key, value in found if key.lower() == name]
        extended = [value for value in values if isinstance(value, tuple)]
        if not extended:
            return str(values[0]) if values else None
        charset, _, escaped = extended[0]
        try:
            # The email package has undone the %-encoding into characters that stand for bytes.
            return str(escaped).encode("latin-1").decode(charset or "utf-8")
        except (UnicodeError, LookupError):
            shown = urllib.parse.quote(escaped[:64], encoding="latin-1", errors="replace")
            raise ValueError(f"{name}* is not text in {charset or 'utf-8'}: {shown}") from None


def parse_header(text: str) -> ParameterizedHeader:
    """Split a header value; an empty text has an empty value and no parameters.

    Raises
    ------
    ValueError
        It is longer than any real one: reading takes the square of its length.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"the header is longer than {_LONGEST:,} characters")
    message = Message()
    message[_HEADER] = text.replace("\r", " ").replace("\n", " ")
    return ParameterizedHeader(text.partition(";")[0].strip().lower(), message)
