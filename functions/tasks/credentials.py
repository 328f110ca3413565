"""Registry passwords: encrypted the moment they arrive, bound to one task, gone when it ends."""

import json
from typing import Final

from functions.aws import clients
from functions.contracts.task import credentials_context
from functions.registry.outcomes import RegistryCredentials

MAX_PLAINTEXT_BYTES: Final = 4096
"""What KMS Encrypt takes (API reference, Encrypt: Plaintext, maximum length 4096)."""


class CredentialsTooLongError(Exception):
    """User name and password together do not fit into one KMS encryption."""

    def __init__(self) -> None:
        super().__init__(f"username and password together exceed {MAX_PLAINTEXT_BYTES:,} bytes")


def seal(key_id: str, task_id: str, credentials: RegistryCredentials | None) -> bytes | None:
    """Ciphertext that only the build of ``task_id`` can open; None where there is nothing to encrypt.

    Raises
    ------
    CredentialsTooLongError
        More than `MAX_PLAINTEXT_BYTES` as JSON.
    """
    if credentials is None:
        return None
    plaintext = json.dumps({"username": credentials.username, "password": credentials.password}).encode()
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise CredentialsTooLongError
    answer = clients.kms.encrypt(KeyId=key_id, Plaintext=plaintext, EncryptionContext=credentials_context(task_id))
    return answer["CiphertextBlob"]
