"""The stack's signing key. It is in AWS KMS (ECC_NIST_P256) and never leaves it."""

import hashlib
from dataclasses import dataclass
from typing import Final

from functions.aws import clients

ALGORITHM: Final = "ECDSA_SHA_256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, by its ARN. Signatures are ECDSA over SHA-256, in DER, as sigstore has them."""

    arn: str

    def sign(self, message: bytes) -> bytes:
        """Sign a message of any length.

        Raises
        ------
        ClientError, BotoCoreError
            KMS refused or did not answer.
        """
        answer = clients.kms.sign(
            KeyId=self.arn, Message=_sha256(message), MessageType="DIGEST", SigningAlgorithm=ALGORITHM
        )
        return answer["Signature"]

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return whether this key made ``signature`` over ``message``.

        Raises
        ------
        ClientError, BotoCoreError
            KMS refused or did not answer.
        """
        try:
            answer = clients.kms.verify(
                KeyId=self.arn,
                Message=_sha256(message),
                MessageType="DIGEST",
                Signature=signature,
                SigningAlgorithm=ALGORITHM,
            )
        except clients.kms.exceptions.KMSInvalidSignatureException:
            return False
        return answer["SignatureValid"]


def _sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()
