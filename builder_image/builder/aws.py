"""The AWS clients of a build. Loading boto3 and making clients takes longer than unpacking most uploads: each is made
when its time has come, those of the push while the build runs."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


class Aws:
    """Clients by the build role (region, endpoint and credentials come from the environment, as boto3 reads them).

    Clients may be used by several threads, but a session makes one at a time: ask for each first where nobody else
    asks for another.
    """

    def __init__(self, region: str) -> None:
        import boto3
        from botocore.config import Config

        self._session = boto3.session.Session(region_name=region)
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The task's row."""
        return self._session.client("dynamodb", config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        """The source, the component, the report."""
        return self._session.client("s3", config=self._config)

    @cached_property
    def kms(self) -> "KMSClient":
        """Opens registry passwords."""
        return self._session.client("kms", config=self._config)

    @cached_property
    def ecr(self) -> "ECRClient":
        """Gives the password of the stack's own registry."""
        return self._session.client("ecr", config=self._config)
