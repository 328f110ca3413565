"""Fetches a build's source and its buildspec: source types NO_SOURCE and S3 (an object that is a ZIP, or a folder)."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.aws.codebuild.buildspec import BuildspecError


class SourceError(Exception):
    """The source cannot be had; the message becomes the DOWNLOAD_SOURCE phase's context."""


def download(source: Mapping[str, Any], folder: Path, client: Callable[[str], Any]) -> None:
    """Put the project's source into ``folder``. ``client`` makes a boto3 client for a service name.

    Raises `SourceError`.
    """
    kind = source.get("type") or "NO_SOURCE"
    if kind == "NO_SOURCE":
        return
    if kind != "S3":
        raise SourceError(f"Source type {kind} is not supported on this machine; use S3 or NO_SOURCE")
    bucket, _, key = str(source.get("location") or "").removeprefix("arn:aws:s3:::").partition("/")
    try:
        if key.endswith("/"):
            _download_folder(client("s3"), bucket, key, folder)
        else:
            body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                archive.extractall(folder)
    except Exception as error:
        raise SourceError(f"Source s3://{bucket}/{key} cannot be downloaded: {error}") from error


def _download_folder(s3: Any, bucket: str, prefix: str, folder: Path) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            relative = entry["Key"].removeprefix(prefix)
            target = (folder / relative).resolve()
            if not relative or relative.endswith("/"):
                continue
            if not target.is_relative_to(folder.resolve()):
                raise SourceError(f"{entry['Key']} would be written outside of the source folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, entry["Key"], str(target))


def buildspec_text(source: Mapping[str, Any], folder: Path, client: Callable[[str], Any]) -> str:
    """Text of the buildspec: inline, an S3 object named by ARN, or a file of the source (default buildspec.yml).

    Raises `BuildspecError`.
    """
    given = str(source.get("buildspec") or "buildspec.yml")
    if "\n" in given or given.lstrip().startswith("{"):
        return given
    if given.startswith("arn:"):
        bucket, _, key = given.partition(":::")[2].partition("/")
        try:
            return str(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8"))
        except Exception as error:
            raise BuildspecError(f"Buildspec s3://{bucket}/{key} cannot be downloaded: {error}") from error
    path = (folder / given).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise BuildspecError(f"YAML location is {given}: no such file in the source")
    return path.read_text(encoding="utf-8")
