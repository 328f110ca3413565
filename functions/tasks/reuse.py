"""The same source for the same registry is not built twice: an earlier build of the workspace answers for it.

What counts as the same is `cache_key`. The earlier task must be there still, and so must its image, with the digest
that was recorded; its objects are copied, so that either task can be deleted without the other losing anything.
"""

import datetime
import functools
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

from functions.contracts.task import RowField, TaskStatus, artifact_prefix, wasm_key
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, RegistryCredentials
from functions.tasks.store import TaskStore, utc_now
from functions.tasks.table_keys import EARLIER_BUILDS, side_key
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOOKUP_SECONDS: Final = 3.0
"""A registry that is slower than this is not waited for: building is always right."""
_GONE: Final = frozenset({"404", "NoSuchKey", "AccessDenied"})


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@dataclass(frozen=True)
class EarlierBuild:
    """A task whose outcome can be taken over."""

    task_id: str
    source_key: str
    result: Mapping[str, Any]


def cache_key(
    *, content_sha256: str, file_name: str, app_name: str | None, image_repository: str, toolchain_id: str
) -> str:
    """Identity of what is built, with what, for where.

    The names count for a single .py file only: the spin.toml that it gets is made from them. A .zip brings its own.
    """
    single = file_name.lower().endswith(".py")
    parts = [toolchain_id, image_repository, content_sha256, "py" if single else "zip"]
    if single:
        parts += [file_name, app_name or ""]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return digest.hexdigest()


def find(
    tasks: TaskStore,
    workspace_id: str,
    key: str,
    credentials: RegistryCredentials | None,
    pushed_within_days: int | None = None,
) -> EarlierBuild | None:
    """An earlier build of the same in this workspace whose image is in the registry as it was pushed.

    ``pushed_within_days``: an image that is older is left to expire; None: images do not.
    """
    item = tasks.table.get_item(Key=side_key(workspace_id, EARLIER_BUILDS, key), ConsistentRead=True).get("Item")
    row = tasks.get(workspace_id, str(item["built_by"])) if item else None
    if row is None or row[RowField.STATUS] != TaskStatus.DONE or row.get(RowField.CACHE_KEY) != key:
        return None
    result = row[RowField.RESULT]
    answer = find_image(result["image_url"], credentials, seconds=_LOOKUP_SECONDS)
    if (
        not isinstance(answer, ImageFound)
        or answer.digest != result.get("digest")
        or _is_old(answer, pushed_within_days)
    ):
        logger.info("earlier build not reused", task_id=row[RowField.TASK_ID], registry=type(answer).__name__)
        return None
    return EarlierBuild(str(row[RowField.TASK_ID]), str(row[RowField.SOURCE_KEY]), result)


def _is_old(image: ImageFound, days: int | None) -> bool:
    if days is None or image.pushed_at is None:
        return False
    return utc_now() - image.pushed_at > datetime.timedelta(days=days)


def take_over(bucket: str, earlier: EarlierBuild, task_id: str) -> dict[str, Any] | None:
    """Copy an earlier build's objects for ``task_id``; the result to record, or None when they are gone."""
    old, new = artifact_prefix(earlier.task_id), artifact_prefix(task_id)
    listed = _s3().list_objects_v2(Bucket=bucket, Prefix=old)
    keys = [entry["Key"] for entry in listed.get("Contents", [])]
    if wasm_key(earlier.task_id) not in keys:
        return None
    copies = {key: new + key.removeprefix(old) for key in keys}
    with ThreadPoolExecutor(len(copies)) as threads:
        if not all(threads.map(lambda pair: copy(bucket, *pair), copies.items())):
            return None
    result: dict[str, Any] = _renamed(earlier.result, old, new)
    return {**result, "cached": True}


def copy(bucket: str, from_key: str, to_key: str) -> bool:
    """Copy an object within the bucket; False when it is gone."""
    try:
        _s3().copy_object(
            Bucket=bucket,
            Key=to_key,
            CopySource={"Bucket": bucket, "Key": from_key},
            # Copying tags would need two more permissions, and nothing reads them.
            TaggingDirective="REPLACE",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return False
        raise
    return True


def _renamed(value: Any, old: str, new: str) -> Any:
    """``value`` with every path below ``old`` turned into the one below ``new``."""
    if isinstance(value, str):
        return value.replace(f"/{old}", f"/{new}")
    if isinstance(value, Mapping):
        return {name: _renamed(item, old, new) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return value
