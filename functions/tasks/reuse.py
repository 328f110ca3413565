"""The same source for the same registry is not built twice: an earlier build of the workspace answers for it.

What counts as the same is `cache_key`. The earlier task must be there still, and so must its image, with the digest
that was recorded; its objects are copied, so that either task can be deleted without the other losing anything.
"""

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from functions.contracts.digests import digest_of_parts
from functions.contracts.task import TaskKey, TaskStatus, artifact_prefix, wasm_key
from functions.contracts.task_row import StoredResult, TaskRow
from functions.contracts.timestamps import utc_now
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, RegistryCredentials
from functions.tasks.code_bucket import CodeBucket
from functions.tasks.store import TaskStore
from functions.tasks.table_keys import EARLIER_BUILDS, item_key
from functions.telemetry import logger

_LOOKUP_SECONDS: Final = 3.0
"""A registry that is slower than this is not waited for: building is always right."""


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
    return digest_of_parts(part.encode() for part in parts).hex()


def find(
    tasks: TaskStore,
    workspace_id: str,
    key: str,
    credentials: RegistryCredentials | None,
    pushed_within_days: int | None = None,
) -> TaskRow | None:
    """Find an earlier build of the same source in this workspace whose image is still in the registry.

    ``pushed_within_days``: an image that is older is left to expire; None: images do not.
    """
    item = tasks.table.get_item(Key=item_key(workspace_id, EARLIER_BUILDS, key), ConsistentRead=True).get("Item")
    row = tasks.get(TaskKey(workspace_id, str(item["built_by"]))) if item else None
    if row is None or row.status != TaskStatus.DONE or row.result is None or row.cache_key != key:
        return None
    answer = find_image(row.result.image_url, credentials, seconds=_LOOKUP_SECONDS)
    if not isinstance(answer, ImageFound) or answer.digest != row.result.digest or _is_old(answer, pushed_within_days):
        logger.info("earlier build not reused", task_id=row.task_id, registry=type(answer).__name__)
        return None
    return row


def _is_old(image: ImageFound, days: int | None) -> bool:
    if days is None or image.pushed_at is None:
        return False
    return utc_now() - image.pushed_at > datetime.timedelta(days=days)


def take_over(bucket: CodeBucket, earlier: TaskRow, task_id: str) -> StoredResult | None:
    """Copy an earlier build's objects for ``task_id``; the result to record, or None when they are gone."""
    old, new = artifact_prefix(earlier.task_id), artifact_prefix(task_id)
    keys = bucket.keys(old)
    if earlier.result is None or wasm_key(earlier.task_id) not in keys:
        return None
    with ThreadPoolExecutor(len(keys)) as threads:
        if not all(threads.map(lambda key: bucket.copy_if_exists(key, new + key.removeprefix(old)), keys)):
            return None
    return earlier.result.model_copy(update={"wasm_path": bucket.uri(wasm_key(task_id)), "cached": True})
