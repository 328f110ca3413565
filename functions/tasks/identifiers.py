"""Task ids: UUIDv7 (RFC 9562 §5.7), so that a workspace's tasks sort by the time they were made."""

import hashlib
import re
import secrets
import time
import uuid
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_task_id() -> str:
    """A fresh id for a request that comes in now."""
    return _uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def is_task_id(text: str) -> bool:
    """Whether a text is a UUID as this service writes one: lower case, with hyphens."""
    return _UUID.fullmatch(text) is not None


def task_id_for_object(bucket: str, key: str, version_id: str, modified_ms: int) -> str:
    """The id of the task that one version of an S3 object stands for.

    The same version always gives the same id, so an event that is delivered twice makes one task.

    Parameters
    ----------
    modified_ms
        The version's LastModified, in milliseconds since the epoch.
    """
    # Length-prefixed parts: no two different triples join to the same text.
    identity = "".join(f"{len(part)}:{part}" for part in (bucket, key, version_id))
    return _uuid7(modified_ms, hashlib.sha256(identity.encode()).digest()[:10])


def _uuid7(milliseconds: int, entropy: bytes) -> str:
    value = (milliseconds << 80) | int.from_bytes(entropy)
    value &= ~(0xF000 << 64) & ~(0xC000 << 48)
    value |= (0x7000 << 64) | (0x8000 << 48)
    return str(uuid.UUID(int=value))


def made_at_ms(task_id: str) -> int:
    """Milliseconds since the epoch at which a task id was made (the first 48 bits of a UUIDv7)."""
    return uuid.UUID(task_id).int >> 80
