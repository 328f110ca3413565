"""The bucket that holds sources, components and reports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from functions.aws import clients

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, HeadObjectOutputTypeDef

# Without s3:ListBucket, S3 does not tell what is missing from what is forbidden: both are 403.
_UNREADABLE: Final = frozenset({"403", "404", "NoSuchKey", "NoSuchVersion", "AccessDenied"})


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object."""

    key: str
    version_id: str


@dataclass(frozen=True, slots=True)
class CodeBucket:
    """One bucket of this account."""

    name: str

    def uri(self, key: str) -> str:
        """S3 URI of an object or a folder."""
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        clients.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def copy(self, source: ObjectVersion, key: str) -> None:
        """Copy one version of an object to ``key``."""
        self._copy({"Bucket": self.name, "Key": source.key, "VersionId": source.version_id}, key)

    def copy_if_exists(self, from_key: str, key: str) -> bool:
        """Copy an object as it is now to ``key``; False when it is gone."""
        try:
            self._copy({"Bucket": self.name, "Key": from_key}, key)
        except ClientError as error:
            if _is_gone(error):
                return False
            raise
        return True

    def _copy(self, source: "CopySourceTypeDef", key: str) -> None:
        # Copying tags would need two more permissions, and nothing reads them.
        clients.s3.copy_object(Bucket=self.name, Key=key, CopySource=source, TaggingDirective="REPLACE")

    def head(self, source: ObjectVersion) -> "HeadObjectOutputTypeDef | None":
        """Return S3's metadata of an object version, with its checksum; None if the version does not exist."""
        try:
            return clients.s3.head_object(
                Bucket=self.name, Key=source.key, VersionId=source.version_id, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if _is_gone(error):
                return None
            raise

    def read_version(self, source: ObjectVersion) -> bytes:
        """Read the whole content of an object version."""
        answer = clients.s3.get_object(Bucket=self.name, Key=source.key, VersionId=source.version_id)
        return answer["Body"].read()

    def read(self, key: str, most_bytes: int) -> bytes | None:
        """Up to ``most_bytes`` of an object; None when there is none."""
        try:
            answer = clients.s3.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _is_gone(error):
                return None
            raise
        return answer["Body"].read(most_bytes)

    def keys(self, prefix: str) -> list[str]:
        """Keys below ``prefix``: the first thousand, and no task has a tenth of that."""
        listed = clients.s3.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def delete_all(self, prefix: str) -> None:
        """Remove every version of every object below ``prefix``."""
        for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not found:
                continue
            answer = clients.s3.delete_objects(
                Bucket=self.name,
                Delete={"Objects": [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found], "Quiet": True},
            )
            for error in answer.get("Errors", []):
                reason = {"Code": error.get("Code", ""), "Message": f"{error.get('Key')} was not deleted"}
                raise ClientError({"Error": reason}, "DeleteObjects")  # type: ignore[typeddict-item]  # as botocore's own

    def presigned_put(self, key: str, *, size: int, sha256: str, seconds: int) -> str:
        """Return a URL that accepts one file of exactly this size and SHA-256 (base64), from anyone who has the URL."""
        return clients.presigning_s3.generate_presigned_url(
            "put_object",
            Params={"Bucket": self.name, "Key": key, "ContentLength": size, "ChecksumSHA256": sha256},
            ExpiresIn=seconds,
        )


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _UNREADABLE
