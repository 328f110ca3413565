"""The referrers API, by the words of the distribution specification (1.1, "Listing Referrers")."""

import json
from typing import Any

import httpx
import pytest

from local.oci.reference import sha256_digest
from local.oci.registry import INDEX_TYPE, MANIFEST_TYPE
from local.tests.oci.servers import LocalRegistry

EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256_digest(b"{}"), "size": 2}
SUBJECT = sha256_digest(b"an image that comes later")
SIGNATURE, SBOM = "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.cyclonedx+json"


@pytest.fixture(scope="module")
def client(registry: LocalRegistry) -> httpx.Client:
    """Of one repository, through the gate."""
    registry.ecr.create_repository(repositoryName="team/referred")
    auth = (registry.credentials.username, registry.credentials.password)
    return httpx.Client(base_url=f"{registry.gate_url}/v2/team/referred/", auth=auth)


def manifest(**more: Any) -> bytes:
    document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": EMPTY, "layers": [EMPTY]}
    return json.dumps({**document, **more}).encode()


def put(client: httpx.Client, content: bytes, reference: str | None = None) -> httpx.Response:
    kind = json.loads(content)["mediaType"]
    name = reference or sha256_digest(content)
    answer = client.put(f"manifests/{name}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 201, answer.text
    return answer


def about(digest: str) -> dict[str, Any]:
    return {"mediaType": MANIFEST_TYPE, "digest": digest, "size": 7}


@pytest.fixture(scope="module")
def pushed(client: httpx.Client) -> dict[str, bytes]:
    """Manifests about one subject, which is not there itself, and one about another."""
    manifests = {
        "typed": manifest(artifactType=SIGNATURE, subject=about(SUBJECT), annotations={"made.by": "tests"}),
        "by its config": manifest(config={**EMPTY, "mediaType": SBOM}, subject=about(SUBJECT)),
        "index": json.dumps(
            {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [], "subject": about(SUBJECT)}
        ).encode(),
        "other": manifest(artifactType=SIGNATURE, subject=about(sha256_digest(b"another"))),
    }
    for content in manifests.values():
        put(client, content)
    put(client, manifest())
    return manifests


def test_a_manifest_with_a_subject_is_told_that_the_registry_knows_it(
    client: httpx.Client, pushed: dict[str, bytes]
) -> None:
    assert put(client, pushed["typed"], "v1").headers["OCI-Subject"] == SUBJECT
    assert "OCI-Subject" not in put(client, manifest(), "v2").headers


def test_what_is_about_a_digest_is_listed(client: httpx.Client, pushed: dict[str, bytes]) -> None:
    answer = client.get(f"referrers/{SUBJECT}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, INDEX_TYPE)
    assert "OCI-Filters-Applied" not in answer.headers
    index = answer.json()
    assert (index["schemaVersion"], index["mediaType"]) == (2, INDEX_TYPE)

    def described(name: str, kind: str = MANIFEST_TYPE, **more: Any) -> dict[str, Any]:
        content = pushed[name]
        return {"mediaType": kind, "digest": sha256_digest(content), "size": len(content), **more}

    wanted = [
        described("typed", artifactType=SIGNATURE, annotations={"made.by": "tests"}),
        described("by its config", artifactType=SBOM),
        described("index", INDEX_TYPE),
    ]
    assert sorted(index["manifests"], key=json.dumps) == sorted(wanted, key=json.dumps)


def test_a_filter_is_applied_and_said_to_be(client: httpx.Client, pushed: dict[str, bytes]) -> None:
    answer = client.get(f"referrers/{SUBJECT}", params={"artifactType": SIGNATURE})
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert [each["digest"] for each in answer.json()["manifests"]] == [sha256_digest(pushed["typed"])]


@pytest.mark.parametrize("digest", [sha256_digest(b"unknown"), "sha512:" + "0" * 128])
def test_nothing_is_an_empty_list(client: httpx.Client, digest: str) -> None:
    answer = client.get(f"referrers/{digest}")
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", "sha256:" + "G" * 64, "sha256:"])
def test_what_is_no_digest_is_a_bad_request(client: httpx.Client, digest: str) -> None:
    answer = client.get(f"referrers/{digest}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_a_repository_that_is_not_there_is_not_found(registry: LocalRegistry, client: httpx.Client) -> None:
    answer = client.get(f"{registry.gate_url}/v2/no/such/referrers/{SUBJECT}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "NAME_UNKNOWN")


def test_it_needs_the_password_and_only_lists(registry: LocalRegistry, client: httpx.Client) -> None:
    path = f"{registry.gate_url}/v2/team/referred/referrers/{SUBJECT}"
    assert httpx.get(path).status_code == 401
    assert client.delete(path).status_code == 405


def test_what_is_removed_is_listed_no_more(client: httpx.Client) -> None:
    subject = sha256_digest(b"soon without")
    content = manifest(artifactType=SIGNATURE, subject=about(subject))
    put(client, content)
    assert len(client.get(f"referrers/{subject}").json()["manifests"]) == 1
    assert client.delete(f"manifests/{sha256_digest(content)}").status_code == 202
    assert client.get(f"referrers/{subject}").json()["manifests"] == []
