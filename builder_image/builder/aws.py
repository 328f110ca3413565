"""The AWS clients of a build. Loading boto3 takes longer than unpacking most uploads, so it starts in a thread."""

import concurrent.futures
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


class Aws:
    """Clients by the build role (region, endpoint and credentials come from the environment, as boto3 reads them).

    Those that every build needs at once are made eagerly; KMS and ECR, needed at the push, meanwhile.
    """

    def __init__(self, region: str) -> None:
        import boto3
        from botocore.config import Config

        session = boto3.session.Session(region_name=region)
        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
        self.dynamodb: DynamoDBClient = session.client("dynamodb", config=config)
        self.s3: S3Client = session.client("s3", config=config)
        # A session is not thread-safe while it makes clients: the rest is made in one thread, after these two.
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="aws-clients")
        self._kms = self._executor.submit(lambda: session.client("kms", config=config))
        self._ecr = self._executor.submit(lambda: session.client("ecr", config=config))

    @property
    def kms(self) -> "KMSClient":
        """Opens registry passwords."""
        return self._kms.result()

    @property
    def ecr(self) -> "ECRClient":
        """Gives the password of the stack's own registry."""
        return self._ecr.result()

    def close(self) -> None:
        """Wait for the clients still being made, so that none is made after the build."""
        self._executor.shutdown()
