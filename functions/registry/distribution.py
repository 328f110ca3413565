"""Ask any registry by the OCI distribution API: ``HEAD /v2/{repository}/manifests/{tag or digest}``.

Sources: opencontainers/distribution-spec ("Checking if content exists in the registry"), and for the token flow
distribution/distribution, docs "Token Authentication Specification".

A reference comes from a caller, so its host can be anything. Requests go only to ``https://HOST/v2/…`` (plain HTTP only
for this machine itself, as in every OCI client). Redirects are not followed, only small answers are read, and their
content is not repeated to the caller.
"""

import json
import re
import time
from typing import Final
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from functions.contracts.image_reference import ImageReference
from functions.registry.outcomes import ImageFound, ImageMissing, Lookup, NotChecked, RegistryCredentials
from functions.registry.time_limit import TimeLimit

_ACCEPTED: Final = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER: Final = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
_LARGEST_TOKEN: Final = 64 * 1024
_CONNECT_SECONDS: Final = 2.0
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1"})


class _NotAskableError(Exception):
    """The registry cannot be asked; the message says why."""


def find(reference: ImageReference, credentials: RegistryCredentials | None, seconds: float) -> Lookup:
    """Ask the registry itself, anonymously or with ``credentials``, for at most ``seconds``."""
    limit = TimeLimit(seconds)
    question = _Question(reference, credentials, limit.http(), time.monotonic() + seconds)
    try:
        return limit.run(question.ask)
    except _NotAskableError as error:
        return NotChecked(str(error))
    except TimeoutError:
        return NotChecked(f"registry '{reference.host}' was too slow")
    except (HTTPError, ValueError) as error:
        # ValueError: a host that cannot be a host (``xn--`` and friends).
        return NotChecked(f"registry '{reference.host}' did not answer ({type(error).__name__})")


class _Question:
    """One lookup: its connections, its credentials, its time."""

    def __init__(
        self,
        reference: ImageReference,
        credentials: RegistryCredentials | None,
        http: urllib3.PoolManager,
        until: float,
    ) -> None:
        self._reference = reference
        self._credentials = credentials
        self._http = http
        self._until = until

    def ask(self) -> Lookup:
        try:
            response = self._head({})
            if response.status == 401:
                response = self._head(self._authorization(response.headers.get("WWW-Authenticate", "")))
        finally:
            self._http.clear()
        return self._judge(response)

    def _judge(self, response: urllib3.BaseHTTPResponse) -> Lookup:
        reference = self._reference
        if response.status == 200:
            digest = reference.digest or response.headers.get("Docker-Content-Digest", "")
            if not _DIGEST.fullmatch(digest):
                return NotChecked(f"registry '{reference.host}' answered without a digest")
            return ImageFound(digest)
        if response.status == 404:
            return ImageMissing(f"'{reference.name}' has no image '{reference.version}'")
        if response.status in (401, 403):
            given = "refused the credentials" if self._credentials else "asks for credentials"
            return NotChecked(f"registry '{reference.host}' {given}")
        return NotChecked(f"registry '{reference.host}' answered HTTP {response.status}")

    def _head(self, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        reference = self._reference
        plain = reference.host.rpartition(":")[0] in _THIS_MACHINE or reference.host in _THIS_MACHINE
        url = f"{'http' if plain else 'https'}://{reference.host}/v2/{reference.repository}/manifests/"
        return self._request("HEAD", url + reference.version, {"Accept": _ACCEPTED, **headers})

    def _authorization(self, challenge: str) -> dict[str, str]:
        """Return the header that answers a 401."""
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "basic" and self._credentials is not None:
            return self._basic()
        if scheme == "bearer":
            return {"Authorization": f"Bearer {self._token(dict(_PARAMETER.findall(challenge)))}"}
        raise _NotAskableError(f"registry '{self._reference.host}' asks for credentials")

    def _token(self, challenge: dict[str, str]) -> str:
        realm = urlsplit(challenge.get("realm", ""))
        if not (realm.scheme == "https" or (realm.scheme == "http" and realm.hostname in _THIS_MACHINE)):
            raise _NotAskableError(f"registry '{self._reference.host}' names no token server that can be trusted")
        if self._credentials is not None and realm.hostname != urlsplit(f"//{self._reference.host}").hostname:
            host = self._reference.host
            raise _NotAskableError(f"registry '{host}' has its token server on another host, which gets no password")
        scope = challenge.get("scope") or f"repository:{self._reference.repository}:pull"
        query = {"scope": scope, **({"service": challenge["service"]} if "service" in challenge else {})}
        url = f"{realm.geturl()}{'&' if realm.query else '?'}{urlencode(query)}"
        response = self._request("GET", url, self._basic() if self._credentials else {})
        try:
            answer = json.loads(response.read(_LARGEST_TOKEN) if response.status == 200 else b"{}")
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise _NotAskableError(f"the token server of registry '{self._reference.host}' gave no token")
        return token

    def _basic(self) -> dict[str, str]:
        assert self._credentials is not None  # noqa: S101  # narrows the type: callers have looked
        pair = f"{self._credentials.username}:{self._credentials.password}"
        return {"Authorization": make_headers(basic_auth=pair)["authorization"]}

    def _request(self, method: str, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        left = self._until - time.monotonic()
        if left <= 0:
            raise _NotAskableError(f"registry '{self._reference.host}' was too slow")
        return self._http.request(
            method,
            url,
            headers={"User-Agent": "blue-faas", **headers},
            timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, left), total=left),
            retries=False,
            redirect=False,
            preload_content=False,
        )
