"""Registry passwords: encrypted the moment they arrive, bound to one task, gone when it ends."""

import functools
import json
from typing import TYPE_CHECKING

import boto3

from functions.contracts.task import credentials_context

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

MAX_PLAINTEXT_BYTES = 4096
"""What KMS Encrypt takes (API reference, Encrypt: Plaintext, maximum length 4096)."""


class CredentialsTooLongError(Exception):
    """User name and password together do not fit into one KMS encryption."""


@functools.cache
def _kms() -> "KMSClient":
    return boto3.client("kms")


def seal(key_id: str, task_id: str, username: str, password: str) -> bytes:
    """Ciphertext that only the build of ``task_id`` can open.

    Raises
    ------
    CredentialsTooLongError
        More than `MAX_PLAINTEXT_BYTES` as JSON.
    """
    plaintext = json.dumps({"username": username, "password": password}).encode()
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise CredentialsTooLongError
    answer = _kms().encrypt(KeyId=key_id, Plaintext=plaintext, EncryptionContext=credentials_context(task_id))
    return answer["CiphertextBlob"]
