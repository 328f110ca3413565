"""The gate at HTTP level: who may pass, in what words it refuses, and that it changes nothing else."""

import base64

import httpx
import pytest

from local.oci.reference import sha256_digest
from local.tests.oci.servers import ECR_HOST, LocalRegistry


@pytest.fixture
def good(registry: LocalRegistry) -> tuple[str, str]:
    """Credentials that an ECR token holds."""
    return registry.credentials.username, registry.credentials.password


@pytest.fixture(scope="module")
def repository(registry: LocalRegistry) -> str:
    registry.ecr.create_repository(repositoryName="team/app")
    return f"{registry.gate_url}/v2/team/app"


@pytest.mark.parametrize("path", ["/v2/", "/v2", "/v2/_catalog", "/v2/team/app/tags/list", "/v2/x/manifests/y"])
@pytest.mark.parametrize("auth", [None, ("AWS", "wrong"), ("admin", None), ("AWS", "")])
def test_every_path_needs_the_password_of_an_ecr_token(
    registry: LocalRegistry, path: str, auth: tuple[str, str | None] | None, good: tuple[str, str]
) -> None:
    given = (auth[0], good[1] if auth[1] is None else auth[1]) if auth else None
    response = httpx.get(registry.gate_url + path, auth=given)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == f'Basic realm="https://{ECR_HOST}/",service="ecr.amazonaws.com"'
    assert response.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize("header", ["Bearer abc", "Basic", "Basic %%%", "Basic QVdT", "nonsense"])
def test_malformed_credentials_do_not_pass(registry: LocalRegistry, header: str) -> None:
    assert httpx.get(f"{registry.gate_url}/v2/", headers={"Authorization": header}).status_code == 401


def test_the_token_that_ecr_hands_out_passes(registry: LocalRegistry) -> None:
    token = registry.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    response = httpx.get(f"{registry.gate_url}/v2/", auth=(user, password))
    assert response.status_code == 200
    assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_repository_that_is_not_there_is_refused_in_ecrs_words(
    registry: LocalRegistry, good: tuple[str, str]
) -> None:
    response = httpx.post(f"{registry.gate_url}/v2/no/such/blobs/uploads/", auth=good)
    assert response.status_code == 404
    assert response.json() == {
        "errors": [
            {
                "code": "NAME_UNKNOWN",
                "message": "The repository with name 'no/such' does not exist in the registry with id '123456789012'",
            }
        ]
    }


@pytest.mark.parametrize("content", [b'{"annotations":{"d":"a\nb"}}', b"", b"\xff"])
def test_a_manifest_that_is_no_json_is_refused(repository: str, good: tuple[str, str], content: bytes) -> None:
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    response = httpx.put(f"{repository}/manifests/v1", content=content, headers=headers, auth=good)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "MANIFEST_INVALID")


def test_an_upload_stays_on_the_gate_and_comes_back_whole(repository: str, good: tuple[str, str]) -> None:
    content = bytes(range(256)) * 160_000  # 41 MB, in one PUT
    digest = sha256_digest(content)
    with httpx.Client(auth=good, timeout=60) as client:
        opened = client.post(f"{repository}/blobs/uploads/")
        assert opened.status_code == 202
        location = opened.url.join(opened.headers["Location"])
        assert str(location).startswith(repository)
        stored = client.put(location.copy_merge_params({"digest": digest}), content=content)
        assert stored.status_code == 201
        head = client.head(f"{repository}/blobs/{digest}")
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(content)))
        assert client.get(f"{repository}/blobs/{digest}").content == content


def test_a_body_of_unknown_length_passes_too(repository: str, good: tuple[str, str]) -> None:
    parts = [b"a" * 1000, b"b" * 70_000]
    with httpx.Client(auth=good) as client:
        opened = client.post(f"{repository}/blobs/uploads/")
        url = opened.url.join(opened.headers["Location"]).copy_merge_params({"digest": sha256_digest(b"".join(parts))})
        assert client.put(url, content=iter(parts)).status_code == 201


def test_a_wrong_digest_is_refused(repository: str, good: tuple[str, str]) -> None:
    with httpx.Client(auth=good) as client:
        opened = client.post(f"{repository}/blobs/uploads/")
        url = opened.url.join(opened.headers["Location"]).copy_merge_params({"digest": sha256_digest(b"other")})
        response = client.put(url, content=b"this")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "DIGEST_INVALID"


def test_a_tag_of_an_immutable_repository_cannot_move(registry: LocalRegistry, good: tuple[str, str]) -> None:
    registry.ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    url = f"{registry.gate_url}/v2/fixed/manifests/v1"
    assert httpx.put(url, content=b'{"a":1}', auth=good).status_code == 201
    assert httpx.put(url, content=b'{"a":1}', auth=good).status_code == 201, "the same image again is no change"
    response = httpx.put(url, content=b'{"a":2}', auth=good)
    assert response.status_code == 400
    error = response.json()["errors"][0]
    assert error["code"] == "TAG_INVALID"
    assert "The image tag 'v1' already exists in the 'fixed' repository" in error["message"]


def test_an_unknown_image_is_refused_in_ecrs_words(repository: str, good: tuple[str, str]) -> None:
    response = httpx.get(f"{repository}/manifests/nope", auth=good)
    assert response.status_code == 404
    assert response.json()["errors"][0] == {"code": "MANIFEST_UNKNOWN", "message": "Requested image not found"}
    assert httpx.head(f"{repository}/manifests/nope", auth=good).status_code == 404


@pytest.mark.parametrize("path", ["/v2/apis", "/v2/email/identities", "/v2/tags/arn", "/", "/other"])
def test_only_the_registry_is_behind_the_gate(registry: LocalRegistry, path: str, good: tuple[str, str]) -> None:
    assert httpx.get(registry.gate_url + path, auth=good).status_code == 404
