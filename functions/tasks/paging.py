"""Tokens by which a client goes on where an answer ended. Opaque to clients; checked when they come back.

A token only says where: which workspace or which task it is about comes from the request, never from the token.
"""

import base64
import binascii


class UnusableTokenError(Exception):
    """The token is none that this service gave for this request; the text says so."""

    def __init__(self) -> None:
        super().__init__("next is not a token that this request was answered with; leave it out to start anew")


def token_for(position: str) -> str:
    """Return the token for a position in our own form."""
    return base64.urlsafe_b64encode(b"1" + position.encode()).decode().rstrip("=")


def position_in(token: str) -> str:
    """Return the position in a token.

    Raises
    ------
    UnusableTokenError
        It is no token.
    """
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise UnusableTokenError from None
    if not content.startswith("1"):
        raise UnusableTokenError
    return content[1:]
