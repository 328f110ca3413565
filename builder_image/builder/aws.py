"""The AWS clients of a build.

Making them takes longer than unpacking most uploads: each is made when its time has come, those of the push while the
build runs; and by botocore alone, on which boto3 would be one more layer to load.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


class Aws:
    """Clients by the build role (endpoint and credentials come from the environment, as every AWS SDK reads them).

    Clients may be used by several threads, but a session makes one at a time: ask for each first where nobody else
    asks for another.
    """

    def __init__(self, region: str) -> None:
        import botocore.session
        from botocore.config import Config

        self._session = botocore.session.Session()
        self._region = region
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The task's row."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def s3(self) -> "S3Client":
        """The source, the component, the report."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def kms(self) -> "KMSClient":
        """Opens registry passwords."""
        client: KMSClient = self._client("kms")
        return client

    @cached_property
    def ecr(self) -> "ECRClient":
        """Gives the password of the stack's own registry."""
        client: ECRClient = self._client("ecr")
        return client

    def _client(self, service: str) -> Any:
        return self._session.create_client(service, self._region, config=self._config)
