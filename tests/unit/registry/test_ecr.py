"""Amazon ECR, in an account in memory, and its refusals."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from functions.contracts.image_reference import ImageReference
from functions.registry import ecr
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, ImageMissing, NotChecked, RegistryCredentials

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})


@pytest.fixture
def digest(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Digest of ``team/app:v1``, which the registry holds."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        ecr.client.cache_clear()
        client = boto3.client("ecr", region_name="ap-northeast-2")
        client.create_repository(repositoryName="team/app")
        image = client.put_image(repositoryName="team/app", imageManifest=MANIFEST, imageTag="v1")["image"]
        yield image["imageId"]["imageDigest"]
    ecr.client.cache_clear()


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """ECR's client, answering what a test says."""
    client: Any = boto3.client("ecr", region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(ecr, "client", lambda _region: client)
    with Stubber(client) as stubber:
        yield stubber


def test_by_tag_and_by_digest(digest: str) -> None:
    for version in (":v1", f"@{digest}", f":v1@{digest}"):
        assert find_image(f"{HOST}/team/app{version}") == ImageFound(digest)


def test_a_typo_in_the_tag(digest: str) -> None:
    answer = find_image(f"{HOST}/team/app:v2")
    assert answer == ImageMissing(f"repository '{HOST}/team/app' has no image 'v2'")


def test_a_typo_in_the_repository(digest: str) -> None:
    answer = find_image(f"{HOST}/team/ap:v1")
    assert answer == ImageMissing(f"there is no repository '{HOST}/team/ap'")


def test_an_answer_without_an_image(stubbed: Stubber) -> None:
    stubbed.add_response("describe_images", {"imageDetails": []})
    assert isinstance(find_image(f"{HOST}/team/app:v2"), ImageMissing)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException", "ThrottlingException"])
def test_a_registry_that_the_role_may_not_read(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("describe_images", code, "User: arn:aws:sts::1:assumed-role/secret is not authorized")
    answer = find_image(f"{HOST}/team/app:v1")
    assert isinstance(answer, NotChecked)
    assert code in answer.reason
    assert "assumed-role" not in answer.reason


def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        def describe_images(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://api.ecr")

    monkeypatch.setattr(ecr, "client", lambda _region: Down())
    answer = find_image(f"{HOST}/team/app:v1")
    assert answer == NotChecked("Amazon ECR in ap-northeast-2 did not answer (EndpointConnectionError)")


def test_a_password_is_tried_where_the_role_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def describe_images(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeImages")

    asked: list[tuple[str, RegistryCredentials | None]] = []

    def ask(image: ImageReference, credentials: RegistryCredentials | None, _seconds: float) -> NotChecked:
        asked.append((image.name, credentials))
        return NotChecked("down")

    monkeypatch.setattr(ecr, "client", lambda _region: Refusing())
    monkeypatch.setattr("functions.registry.lookup.distribution.find", ask)
    credentials = RegistryCredentials("AWS", "password")
    find_image(f"{HOST}/team/app:v1", credentials)
    assert asked == [(f"{HOST}/team/app", credentials)]
