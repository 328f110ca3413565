"""From the upload in S3 to a folder with a Spin app in it, in a place that only the builder can write to."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from builder.errors import BuildError
from builder.settings import Limits
from builder.source import archive, single_file
from builder.source.manifest import FILE_NAME, Manifest
from functions.contracts.task_row import BuildOrder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class App:
    """An unpacked app.

    ``shown_as`` maps a file's path in ``folder`` to the name that the uploader knows it by, where that differs.
    """

    folder: Path
    manifest: Manifest
    shown_as: dict[str, str]
    single_file: tuple[str, str] | None = None
    """Path and uploader's name of the one file of an upload that was a .py."""


def fetch(s3: "S3Client", bucket: str, key: str, target: Path, limits: Limits) -> str:
    """Download the upload; answers its SHA-256, in hex.

    Raises
    ------
    BuildError
        It is gone or too large.
    """
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # Without s3:ListBucket a missing key reads as AccessDenied.
        if error.response["Error"]["Code"] not in {"NoSuchKey", "AccessDenied"}:
            raise
        raise BuildError("The uploaded source is no longer there. Upload the file again.") from None
    too_large = BuildError(
        f"The upload is larger than {limits.source_bytes:,} bytes. Leave out what the app does not need."
    )
    if answer["ContentLength"] > limits.source_bytes:
        raise too_large
    digest = hashlib.sha256()
    # Others can pass through the folder that it is in.
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in answer["Body"].iter_chunks(1024 * 1024):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def unpack(upload: Path, task: BuildOrder, folder: Path, limits: Limits) -> App:
    """Make the app's folder from the upload and read its manifest.

    Raises
    ------
    BuildError
        The upload is no app: the text says what is wrong with it.
    """
    single: tuple[str, str] | None = None
    if task.file_name.lower().endswith(".py"):
        single_file.make_app(upload, task.file_name, task.app_name, folder)
        single = f"{single_file.MODULE}.py", task.file_name
    else:
        archive.unpack(upload, folder, limits)
    manifest = Manifest.read(folder, limits.components)
    (folder / FILE_NAME).write_bytes(manifest.text)  # Spin reads UTF-8 only
    return App(folder, manifest, dict([single] if single else []), single)
