"""Task ids: UUIDv7 (RFC 9562 §5.7), so that a workspace's tasks sort by the time they were made."""

import datetime
import re
import secrets
import time
import uuid
from typing import Final

from functions.contracts.digests import digest_of_parts

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_task_id() -> str:
    """Return a new id for a request that arrives now."""
    return _uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def is_task_id(text: str) -> bool:
    """Whether a text is a UUID as this service writes one: lower case, with hyphens."""
    return _UUID.fullmatch(text) is not None


def task_id_for_object(bucket: str, key: str, version_id: str, modified_ms: int) -> str:
    """Return the id of the task for a version of an S3 object.

    The same version always gives the same id, so an event that is delivered twice makes one task.

    Parameters
    ----------
    bucket, key, version_id
        The object version.
    modified_ms
        The version's LastModified, in milliseconds since the epoch.
    """
    return _uuid7(modified_ms, digest_of_parts(part.encode() for part in (bucket, key, version_id))[:10])


def made_at(task_id: str) -> datetime.datetime:
    """When a task id was made: the first 48 bits of a UUIDv7 are milliseconds since the epoch."""
    return datetime.datetime.fromtimestamp((uuid.UUID(task_id).int >> 80) / 1000, datetime.UTC)


def first_id_at(moment: datetime.datetime) -> str:
    """Return a text that sorts before every id created at ``moment`` or later, and after every earlier id."""
    milliseconds = f"{int(moment.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"


def _uuid7(milliseconds: int, entropy: bytes) -> str:
    value = (milliseconds << 80) | int.from_bytes(entropy)
    value &= ~(0xF000 << 64) & ~(0xC000 << 48)
    value |= (0x7000 << 64) | (0x8000 << 48)
    return str(uuid.UUID(int=value))
