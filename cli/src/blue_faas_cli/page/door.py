"""Who is let in: the browser tab that was opened with this run's key, and nobody else.

What comes in here is signed with the user's credentials, so every other program and page of this machine is a stranger.
A page of another origin says so (``Origin``, ``Sec-Fetch-Site``: headers that no page can change). A page whose name
was made to mean 127.0.0.1 (DNS rebinding) has that name for a Host. Neither they nor a program of another user have the
key. It is sent in a header, not in a cookie: cookies of 127.0.0.1 are every port's.
"""

import hmac
from collections.abc import Mapping


class Door:
    """The rules for one run.

    Parameters
    ----------
    key
        Secret that requests of the API carry as a bearer token.
    """

    def __init__(self, port: int, key: str) -> None:
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._expected = f"Bearer {key}".encode()

    def refuses(self, headers: Mapping[str, str]) -> str | None:
        """Say why a request for a file may not come in; None when it may."""
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return "`blue ui` answers only to 127.0.0.1 and localhost; the request's Host is another."
        if headers.get("origin", f"http://{host}").lower() != f"http://{host}":
            return "A page of another origin called `blue ui`; only its own page may."
        return None

    def refuses_call(self, headers: Mapping[str, str]) -> str | None:
        """Say why a request for the API may not come in; None when it may."""
        reason = self.refuses(headers)
        if reason is None and headers.get("sec-fetch-site", "same-origin") != "same-origin":
            reason = "A page of another site called `blue ui`; only its own page may."
        if reason is None and not hmac.compare_digest(headers.get("authorization", "").encode(), self._expected):
            reason = "The request has not the key of this run of `blue ui`: open the address that it has printed."
        return reason
