"""One repository of one registry over HTTP: manifests and blobs, both ways.

Synchronous and thread-safe: callers run uploads and downloads on their own threads. Connections are tried three times
by httpx; nothing else is repeated, because a request that reached the registry may have had its effect.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx

from local.oci.auth import RegistryAuth
from local.oci.credentials import Credentials
from local.oci.errors import (
    CorruptContentError,
    NotFoundError,
    RefusedError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
)
from local.oci.mirrors import Mirrors
from local.oci.reference import ImageReference, is_digest, sha256_digest
from local.oci.transport import RegistryTransport

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
_ACCEPTED: Final = ", ".join(
    (
        MANIFEST_TYPE,
        "application/vnd.docker.distribution.manifest.v2+json",
        INDEX_TYPE,
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
CHUNK_SIZE: Final = 4 * 1024 * 1024
"""Bytes per PATCH, as oci-distribution (and so Spin) cuts them."""
_LARGEST_MANIFEST: Final = 4 * 1024 * 1024  # the limit that distribution-spec asks registries to take
_TIMEOUT: Final = httpx.Timeout(60, connect=5)


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest as the registry keeps it; ``digest`` is computed from ``content``, never taken on trust."""

    digest: str
    content: bytes


class RepositoryClient:
    """Talks to the repository that a reference names. Use as a context manager, or call `close`."""

    def __init__(
        self,
        reference: ImageReference,
        *,
        mirrors: Mirrors | None = None,
        credentials: Credentials | None = None,
        push: bool = False,
        plain_http: bool = False,
    ) -> None:
        """Nothing is sent yet.

        Parameters
        ----------
        reference
            Host and repository; tag and digest play no part here.
        mirrors
            Where hosts are really to be found.
        credentials
            None for anonymous.
        push
            Ask token servers for the right to push as well.
        plain_http
            HTTP for a host without a mirror.
        """
        self.base_url = (mirrors or Mirrors()).base_url(reference.server, plain_http=plain_http)
        self._repository_url = f"{self.base_url}/v2/{reference.repository}"
        self._name = f"{reference.host}/{reference.repository}"
        actions = "pull,push" if push else "pull"
        self._auth = RegistryAuth(credentials, f"repository:{reference.repository}:{actions}")
        self._http = httpx.Client(
            transport=RegistryTransport(),
            timeout=_TIMEOUT,
            follow_redirects=True,  # ECR and most others keep blobs in object storage
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authenticate(self) -> None:
        """Ask ``/v2/`` once, so that later requests carry the answer to its challenge from the start.

        Raises
        ------
        UnauthorizedError
            The registry does not take the credentials.
        UnreachableError
            It does not answer.
        """
        self._check(self._send("GET", f"{self.base_url}/v2/"), "cannot authenticate")

    def manifest(self, version: str) -> FetchedManifest:
        """Fetch a manifest by tag or digest.

        Raises
        ------
        NotFoundError, UnauthorizedError, RefusedError, UnreachableError
            See `local.oci.errors`.
        CorruptContentError
            Its digest is not the one asked for, or it is far too large.
        """
        url = f"{self._repository_url}/manifests/{version}"
        with self._stream(url, f"cannot get the manifest {version}", {"Accept": _ACCEPTED}) as response:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > _LARGEST_MANIFEST:
                    raise CorruptContentError(f"manifest {version} of {self._name} exceeds 4 MiB", url=url)
        digest = sha256_digest(content)
        promised = version if is_digest(version) else response.headers.get("Docker-Content-Digest", digest)
        if digest != promised:
            raise CorruptContentError(f"manifest {version} of {self._name} should be {promised}, is {digest}", url=url)
        return FetchedManifest(digest, bytes(content))

    @contextmanager
    def blob(self, digest: str) -> Iterator[Iterator[bytes]]:
        """Open a blob as a stream of parts. The caller checks the digest (`local.oci.store` does).

        Raises
        ------
        NotFoundError, UnauthorizedError, RefusedError, UnreachableError
            See `local.oci.errors`.
        """
        url = f"{self._repository_url}/blobs/{digest}"
        with self._stream(url, f"cannot get the blob {digest}", {"Accept": "*/*"}) as response:
            yield response.iter_raw()

    def push_blob(self, digest: str, content: bytes) -> None:
        """Upload a blob: POST, PATCH in chunks, PUT; in one PUT where the registry does not follow that.

        Raises
        ------
        NotFoundError, UnauthorizedError, RefusedError, UnreachableError
            See `local.oci.errors`.
        """
        summary = f"cannot push {digest}"
        location = self._start_upload(summary)
        view = memoryview(content)
        for start in range(0, len(view), CHUNK_SIZE):
            part = bytes(view[start : start + CHUNK_SIZE])
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{start}-{start + len(part) - 1}",
            }
            response = self._check(self._send("PATCH", location, part, headers), summary)
            if response.status_code != httpx.codes.ACCEPTED or "Location" not in response.headers:
                self.push_blob_at_once(digest, content)
                return
            location = self._follow(response)
        self._finish_upload(location, digest, b"", summary)

    def push_blob_at_once(self, digest: str, content: bytes) -> None:
        """Upload a blob as POST and a single PUT. Raises as `push_blob` does."""
        summary = f"cannot push {digest}"
        self._finish_upload(self._start_upload(summary), digest, content, summary)

    def put_manifest(self, version: str, content: bytes) -> str | None:
        """Store a manifest under a tag or digest; returns the answer's ``Location``, absolute, None without one.

        Raises
        ------
        NotFoundError
            No such repository, or a blob that the manifest names is missing.
        RefusedError
            For one, the tag exists and the repository's tags are immutable.
        UnauthorizedError, UnreachableError
            See `local.oci.errors`.
        """
        url = f"{self._repository_url}/manifests/{version}"
        response = self._check(
            self._send("PUT", url, content, {"Content-Type": MANIFEST_TYPE}), f"cannot push the manifest {version}"
        )
        return str(self._follow(response)) if "Location" in response.headers else None

    def _start_upload(self, summary: str) -> httpx.URL:
        response = self._check(self._send("POST", f"{self._repository_url}/blobs/uploads/", b""), summary)
        if "Location" not in response.headers:
            raise RefusedError(f"{summary} to {self._name}: the registry opened no upload", url=str(response.url))
        return self._follow(response)

    def _finish_upload(self, location: httpx.URL, digest: str, content: bytes, summary: str) -> None:
        url = location.copy_merge_params({"digest": digest})
        headers = {"Content-Type": "application/octet-stream"}
        self._check(self._send("PUT", url, content, headers), summary)

    @staticmethod
    def _follow(response: httpx.Response) -> httpx.URL:
        return response.url.join(response.headers["Location"])

    def _auth_for(self, url: str | httpx.URL) -> RegistryAuth | None:
        """Credentials go to the registry only, not to a host that its ``Location`` happens to name."""
        mine, theirs = httpx.URL(self.base_url), httpx.URL(url)
        return self._auth if (mine.host, mine.port) == (theirs.host, theirs.port) else None

    def _send(
        self,
        method: str,
        url: str | httpx.URL,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            return self._http.request(method, url, content=content, headers=headers, auth=self._auth_for(url))
        except httpx.HTTPError as error:
            raise self._unreachable(error, url) from error

    @contextmanager
    def _stream(self, url: str, summary: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        # Compressed transfer would hide the bytes that the digest is about.
        headers = {**headers, "Accept-Encoding": "identity"}
        try:
            with self._http.stream("GET", url, headers=headers, auth=self._auth_for(url)) as response:
                if not response.is_success:
                    response.read()
                yield self._check(response, summary)
        except httpx.HTTPError as error:
            raise self._unreachable(error, url) from error

    def _check(self, response: httpx.Response, summary: str) -> httpx.Response:
        if response.is_success:
            return response
        kinds: dict[int, type[RegistryError]] = {401: UnauthorizedError, 403: UnauthorizedError, 404: NotFoundError}
        details: dict[str, Any] = {
            "url": str(response.url),
            "status": response.status_code,
            "body": response.text,
        }
        kind = kinds.get(response.status_code, RefusedError)
        raise kind(f"{summary} at {self._name} (HTTP {response.status_code})", **details)

    def _unreachable(self, error: httpx.HTTPError, url: str | httpx.URL) -> UnreachableError:
        reason = str(error) or type(error).__name__
        return UnreachableError(f"cannot reach the registry of {self._name} at {self.base_url}: {reason}", url=str(url))
