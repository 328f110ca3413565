"""Signing a built image: a signature, and attestations of where it came from and what is in it.

Only the function that runs this may use the key, and nothing of an uploader's runs in it. It takes nobody's word for
what is to be signed: the image has to be in the stack's own repository, under the tag of the task and of its workspace,
with the digest that the task was recorded with; a provenance has to be about that digest.
"""

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

from functions.aws import clients
from functions.contracts.image_reference import ImageReference, same_repository
from functions.contracts.image_tags import workspace_of
from functions.contracts.settings import EnvironmentSettings
from functions.contracts.statements import canonical, pre_authentication
from functions.contracts.task import TaskKey, TaskStatus, provenance_key, sbom_key
from functions.contracts.task_row import TaskRow
from functions.signing import formats
from functions.signing.formats import Artifact
from functions.signing.key import SigningKey
from functions.signing.repository import Repository
from functions.tasks.code_bucket import CodeBucket
from functions.tasks.store import TaskStore
from functions.telemetry import logger

_LARGEST_DOCUMENT: Final = 8 * 1024 * 1024
"""Bytes. An app has 500 packages of its own at most (`builder.documents.sbom`), and those that it asks for."""


class SignerSettings(EnvironmentSettings):
    """Signs images."""

    task_table: str
    code_bucket: str
    default_image_repository: str
    """The stack's own repository: only its images are signed."""
    signing_key_arn: str


class UnsignableError(Exception):
    """An image is not signed; the text says why, for operators."""


@dataclass(frozen=True, slots=True)
class ImageSigner:
    """Signs the images of tasks."""

    settings: SignerSettings
    tasks: TaskStore
    bucket: CodeBucket
    key: SigningKey

    @classmethod
    def of(cls, settings: SignerSettings) -> Self:
        """With the table, bucket and key of the settings."""
        key = SigningKey(settings.signing_key_arn)
        return cls(settings, TaskStore(settings.task_table), CodeBucket(settings.code_bucket), key)

    def sign(self, task: TaskKey) -> list[str]:
        """Sign the image of a task, unless that has been done; answers the tags of all that is beside the image.

        Raises
        ------
        UnsignableError
            There is no image of the stack's own to sign, or it is not what the task was recorded with.
        ClientError, BotoCoreError
            A service refused or did not answer. It may be tried again.
        """
        image, digest = self._image_of(self.tasks.get(task))
        repository = Repository.of(image)
        if repository is None:
            raise UnsignableError(f"{image.name} is not in Amazon ECR")
        makers = {
            formats.signature_tag(digest): lambda: self._signature(digest),
            formats.attestation_tag(digest, formats.PROVENANCE): lambda: self._provenance(task, digest),
            formats.attestation_tag(digest, formats.SBOM): lambda: self._sbom(task, digest),
        }
        there = dict(repository.manifests([str(image.tag), *makers]))
        manifest = there.pop(str(image.tag), None)
        if manifest is None or manifest.digest != digest:
            raise UnsignableError(f"tag {image.tag} of {image.name} is not image {digest} any more")
        _ = clients.kms, clients.s3  # boto3 makes no two clients at once
        wanted = [make for tag, make in makers.items() if tag not in there]
        with ThreadPoolExecutor(len(makers)) as threads:
            artifacts = [made for made in threads.map(_call, wanted) if made is not None]
            if artifacts:
                repository.put(artifacts, manifest, threads)
        new = [artifact.tag for artifact in artifacts]
        logger.info("image signed", extra={**task.fields(), "digest": digest, "made": new})
        return sorted([*there, *new])

    def _image_of(self, row: TaskRow | None) -> tuple[ImageReference, str]:
        """Return the image of a task, and its digest."""
        if row is None or row.status != TaskStatus.DONE or row.result is None or row.result.digest is None:
            raise UnsignableError("the task has no image")
        image = ImageReference.parse(row.result.image_url)
        if not same_repository(image.name, self.settings.default_image_repository):
            raise UnsignableError(f"{image.name} is not this installation's own repository")
        if workspace_of(str(image.tag)) != row.workspace_id:
            raise UnsignableError(f"tag {image.tag} is not one of workspace {row.workspace_id}")
        return image, row.result.digest

    def _signature(self, digest: str) -> Artifact:
        repository = self.settings.default_image_repository
        return formats.signature(repository, digest, self.key.sign(formats.signature_payload(repository, digest)))

    def _provenance(self, task: TaskKey, digest: str) -> Artifact | None:
        statement = self._document(provenance_key(task.task_id))
        if statement is None:
            return None
        subjects = statement.get("subject") or []
        if {"sha256": digest.removeprefix("sha256:")} not in [subject.get("digest") for subject in subjects]:
            raise UnsignableError(f"the provenance of task {task.task_id} is not about image {digest}")
        return self._attestation(digest, formats.PROVENANCE, canonical(statement))

    def _sbom(self, task: TaskKey, digest: str) -> Artifact | None:
        sbom = self._document(sbom_key(task.task_id))
        if sbom is None:
            return None
        statement = formats.sbom_statement(self.settings.default_image_repository, digest, sbom)
        return self._attestation(digest, formats.SBOM, statement)

    def _attestation(self, digest: str, predicate_type: str, statement: bytes) -> Artifact:
        signed = self.key.sign(pre_authentication(statement))
        return formats.attestation(digest, predicate_type, statement, signed, self.key.arn)

    def _document(self, key: str) -> dict[str, Any] | None:
        """Read a document of the build; None when there is none, which the log says."""
        content = self.bucket.read(key, _LARGEST_DOCUMENT + 1)
        if content is None or len(content) > _LARGEST_DOCUMENT:
            logger.warning("no document to attest", key=key)
            return None
        document: object = None
        with contextlib.suppress(ValueError, RecursionError):
            document = json.loads(content)
        if not isinstance(document, dict):
            raise UnsignableError(f"{key} is no JSON object")
        return document


def _call(make: Callable[[], Artifact | None]) -> Artifact | None:
    return make()
