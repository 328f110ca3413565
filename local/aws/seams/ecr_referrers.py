"""The registry's referrers API: what names an image as its subject.

ECR has it, ministack has not. Source: opencontainers/distribution-spec 1.1, "Listing Referrers" and "Pushing Manifests
with Subject".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ministack import app
from ministack.services import ecr as service

Json = dict[str, Any]
_PATH: Final = re.compile(r"/v2/(?P<name>.+)/referrers/(?P<digest>[^/]*)")
_MANIFEST: Final = re.compile(r"/v2/(?P<name>.+)/manifests/[^/]+")
_DIGEST: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}")
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_CREATED: Final = 201


def install() -> None:
    """Add the API, and the header that tells clients of it."""
    handle = service.handle_registry_request

    async def handle_registry_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        if match := _PATH.fullmatch(path):
            service._select_registry_request_scope(match["name"], headers, query)
            return _referrers(method, match["name"], match["digest"], service._query_first(query, "artifactType"))
        answer = await handle(method, path, headers, body, query)
        if method == "PUT" and answer[0] == _CREATED and _MANIFEST.fullmatch(path) and (subject := subject_of(body)):
            return answer[0], {**answer[1], "OCI-Subject": subject}, answer[2]
        return answer

    service.handle_registry_request = handle_registry_request
    is_registry_path = app._is_ecr_registry_path
    app._is_ecr_registry_path = lambda path: is_registry_path(path) or _PATH.fullmatch(path) is not None


def subject_of(manifest: bytes) -> str | None:
    """Digest of the manifest that this one is about."""
    try:
        subject = json.loads(manifest)["subject"]["digest"]
    except (ValueError, KeyError, TypeError):
        return None
    return subject if isinstance(subject, str) and _DIGEST.fullmatch(subject) else None


def _referrers(method: str, name: str, digest: str, artifact_type: str | None) -> Any:
    if method != "GET":
        return service._registry_error(405, "UNSUPPORTED", "method not allowed")
    if not _DIGEST.fullmatch(digest) or (digest.startswith("sha256:") and not _SHA256.fullmatch(digest)):
        return service._registry_error(400, "DIGEST_INVALID", f"not a digest: {digest}")
    unknown = service._ensure_repo_exists(name)
    if unknown is not None:
        return unknown
    manifests: Mapping[str, bytes] = service._manifest_blobs.get(name, {})
    found = [_descriptor(key, content) for key, content in manifests.items() if subject_of(content) == digest]
    headers = {"Content-Type": _INDEX}
    if artifact_type is not None:
        found = [each for each in found if each.get("artifactType") == artifact_type]
        headers["OCI-Filters-Applied"] = "artifactType"
    index = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}).encode()
    return service._registry_ok(200, {**headers, "Content-Length": str(len(index))}, index)


def _descriptor(digest: str, content: bytes) -> Json:
    manifest = json.loads(content)
    described = {"mediaType": manifest.get("mediaType", _MANIFEST_TYPE), "digest": digest, "size": len(content)}
    # An image manifest without a type of its own has that of its config; an index has none then.
    kind = manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")
    if kind:
        described["artifactType"] = kind
    if manifest.get("annotations"):
        described["annotations"] = manifest["annotations"]
    return described
