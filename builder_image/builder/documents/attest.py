"""Writes down what was built, of what and how: the SBOM beside the push, the provenance when it is known.

Both stand in S3 beside the component (`functions.contracts.task`).
"""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from builder import toolchain as pins
from builder.documents import provenance, sbom
from builder.packages.install import InstalledPackages
from builder.push.collect import PushFolder
from builder.settings import Settings
from builder.source.upload import App
from functions.contracts.build_result import Way
from functions.contracts.statements import PAYLOAD_TYPE, canonical
from functions.contracts.task import provenance_key, sbom_key, wasm_key
from functions.contracts.task_row import BuildOrder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Attestor:
    """The documents of one build."""

    s3: "S3Client"
    settings: Settings
    task: BuildOrder
    versions: Mapping[str, str]
    started: datetime.datetime

    def digests(self, push_folder: PushFolder) -> dict[str, str]:
        """SHA-256 of each component that is pushed, by its path."""
        return {path: _sha256(push_folder.path / path) for path in push_folder.components}

    def store_sbom(self, app: App, packages: InstalledPackages | None, digests: Mapping[str, str]) -> None:
        """Store the SBOM."""
        build = sbom.Build(self.task.task_id, app, packages, self.versions, digests, _now())
        self._put(sbom_key(self.task.task_id), canonical(sbom.document(build)), sbom.CONTENT_TYPE)

    def store_provenance(
        self,
        source_sha256: str,
        packages: InstalledPackages | None,
        digests: Mapping[str, str],
        ways: Mapping[str, Way],
        image: tuple[str, str | None],
    ) -> None:
        """Store the provenance of ``image``: its reference, and its digest if the registry said it."""
        bucket = self.settings.code_bucket
        # The first component is kept in S3; all of them are in the image.
        wasm = {
            (path if number else f"s3://{bucket}/{wasm_key(self.task.task_id)}"): digest
            for number, (path, digest) in enumerate(digests.items())
        }
        statement = provenance.statement(
            self.task,
            provenance.Source(f"s3://{bucket}/{self.task.source_key}", source_sha256),
            provenance.Run(
                pins.identity(), self.settings.build_arn, pins.buildspec(), self.versions, self.started, _now()
            ),
            image=image,
            wasm=wasm,
            ways=ways,
            packages=packages.locked if packages is not None else (),
        )
        self._put(provenance_key(self.task.task_id), canonical(statement), PAYLOAD_TYPE)

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self.s3.put_object(Bucket=self.settings.code_bucket, Key=key, Body=body, ContentType=content_type)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
