"""What is signed is what a build of this installation pushed for its task, and nothing else."""

import json
from typing import Any

import boto3
import pytest

from functions.contracts import settings
from functions.contracts.image_tags import image_tag
from functions.contracts.task import TaskKey, provenance_key, sbom_key
from functions.contracts.task_row import StoredResult
from functions.handlers import sign_image
from functions.signing import formats
from functions.signing.key import SigningKey
from functions.tasks.signer import ImageSigner, SignerSettings
from tests.support.aws_account import OTHER_REPOSITORY, OWN_REPOSITORY, Account
from tests.support.events import LambdaContext
from tests.support.tasks import WORKSPACE, create, outcomes

TASK = "01a20fe6-bb1b-747b-ac1d-6d7ba8fb4677"
TAG = image_tag(bytes(16), WORKSPACE)


@pytest.fixture
def signing_key(account: Account, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key as the stack makes it, for the function."""
    key = boto3.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    monkeypatch.setenv("SIGNING_KEY_ARN", key["Arn"])
    settings.reset()
    create(TASK)
    return key["Arn"]


def done(digest: str | None, image_url: str = f"{OWN_REPOSITORY}:{TAG}") -> None:
    """End the task with an image."""
    outcomes().done(TaskKey(WORKSPACE, TASK), StoredResult(wasm_path="s3://b/k", image_url=image_url, digest=digest))


def sign(workspace_id: str = WORKSPACE) -> dict[str, Any]:
    answer: dict[str, Any] = sign_image.handler({"workspace_id": workspace_id, "task_id": TASK}, LambdaContext())
    return answer


def tags() -> set[str]:
    """All tags of the repository."""
    listed = boto3.client("ecr").list_images(repositoryName="blue-faas-app")["imageIds"]
    return {each["imageTag"] for each in listed if "imageTag" in each}


def test_an_image_gets_a_signature_and_what_the_build_has_written_down(account: Account, signing_key: str) -> None:
    digest = account.push_image(TAG)
    done(digest)
    provenance = {"subject": [{"name": "x", "digest": {"sha256": digest.removeprefix("sha256:")}}]}
    account.put(provenance_key(TASK), json.dumps(provenance).encode())
    account.put(sbom_key(TASK), b'{"bomFormat": "CycloneDX"}')
    name = digest.replace(":", "-")
    made = [f"{name}.provenance.bundle", f"{name}.sbom.bundle", f"{name}.sig"]
    assert sign() == {"signed": made}
    assert tags() == {TAG, *made}


def test_without_documents_there_is_the_signature_alone(account: Account, signing_key: str) -> None:
    digest = account.push_image(TAG)
    done(digest)
    assert sign() == {"signed": [formats.signature_tag(digest)]}


def test_a_task_that_is_not_done_or_not_there_has_nothing_to_sign(account: Account, signing_key: str) -> None:
    assert sign() == {"not_signed": "the task has no image"}
    outcomes().fail(TaskKey(WORKSPACE, TASK), "it failed")
    assert sign() == {"not_signed": "the task has no image"}
    assert sign("nobody") == {"not_signed": "the task has no image"}


def test_an_image_whose_digest_is_not_known_is_not_signed(account: Account, signing_key: str) -> None:
    account.push_image(TAG)
    done(None)
    assert sign() == {"not_signed": "the task has no image"}


def test_an_image_of_another_registry_is_not_signed(account: Account, signing_key: str) -> None:
    done("sha256:" + "a" * 64, f"{OTHER_REPOSITORY}:{TAG}")
    assert sign() == {"not_signed": f"{OTHER_REPOSITORY} is not this installation's own repository"}


@pytest.mark.parametrize("tag", ["latest", image_tag(bytes(16), "another-workspace"), "sha256-0.sig"])
def test_a_tag_that_is_not_the_workspaces_is_not_signed(account: Account, signing_key: str, tag: str) -> None:
    done(account.push_image(tag), f"{OWN_REPOSITORY}:{tag}")
    assert sign() == {"not_signed": f"tag {tag} is not one of workspace {WORKSPACE}"}
    assert tags() == {tag}


def test_an_image_that_is_gone_or_another_one_now_is_not_signed(account: Account, signing_key: str) -> None:
    digest = account.push_image(TAG)
    done(digest)
    account.remove_image(TAG)
    gone = {"not_signed": f"tag {TAG} of {OWN_REPOSITORY} is not image {digest} any more"}
    assert sign() == gone
    account.push_image(TAG, "other content")
    assert sign() == gone
    assert tags() == {TAG}


def test_a_provenance_of_another_image_stops_it(account: Account, signing_key: str) -> None:
    digest = account.push_image(TAG)
    done(digest)
    other = {"_type": formats.STATEMENT, "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}]}
    account.put(provenance_key(TASK), json.dumps(other).encode())
    account.put(sbom_key(TASK), b"{}")
    assert sign() == {"not_signed": f"the provenance of task {TASK} is not about image {digest}"}
    assert tags() == {TAG}


@pytest.mark.parametrize("key", [provenance_key(TASK), sbom_key(TASK)])
@pytest.mark.parametrize("content", [b"no JSON", b"[]", b"\xff"])
def test_a_document_that_is_none_stops_it(account: Account, signing_key: str, key: str, content: bytes) -> None:
    done(account.push_image(TAG))
    account.put(key, content)
    assert sign() == {"not_signed": f"{key} is no JSON object"}


def test_what_is_there_is_not_made_again(account: Account, signing_key: str) -> None:
    """So a reused image, a second try and a second build of the same content cost one look."""
    digest = account.push_image(TAG)
    done(digest)
    beside = [
        formats.signature_tag(digest),
        formats.attestation_tag(digest, formats.PROVENANCE),
        formats.attestation_tag(digest, formats.SBOM),
    ]
    for tag in beside:
        account.push_image(tag)
    account.put(provenance_key(TASK), b"not read")
    assert sign() == {"signed": sorted(beside)}


def test_a_key_signs_what_it_verifies(account: Account, signing_key: str) -> None:
    key = SigningKey(signing_key)
    signed = key.sign(b"a message of any length" * 1000)
    assert key.verifies(b"a message of any length" * 1000, signed)
    assert not key.verifies(b"another message", signed)
    assert not key.verifies(b"a message of any length" * 1000, b"no signature")


def test_the_signer_is_made_of_its_settings(signing_key: str) -> None:
    assert ImageSigner.of(SignerSettings.read()).key == SigningKey(signing_key)
