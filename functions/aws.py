"""The AWS clients of the build functions: each made once, when it is first needed, and kept for the process's life."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


_TABLES: Final = Config(connect_timeout=1, read_timeout=5)
"""Seconds. Every request looks into a table: one that is out of reach, as for a function in a VPC without a way to
DynamoDB, is answered before the function's own time is over, retries included."""
_ASKED_FUNCTION: Final = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1})
"""Seconds: what the function takes for its answer (`functions.models.rehearsal`), and a start of the function."""


_KEYS: Final = Config(connect_timeout=1, read_timeout=5)
"""Seconds. A deploy waits for KMS, and has to be answered in time."""
_METRICS: Final = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2, "mode": "standard"})
METRICS_SECONDS: Final = 11.0
"""What CloudWatch may take, both tries and the pause between them: a request has to be answered in time."""


class Clients:
    """One client a service, with the function's own role and region."""

    @cached_property
    def s3(self) -> "S3Client":
        """Sources, components and reports."""
        return boto3.client("s3")

    @cached_property
    def presigning_s3(self) -> "S3Client":
        """Signs URLs of uploads.

        Signature version 4 signs the headers with which S3 holds an upload to its size and checksum. The region's own
        host: the global one redirects requests for a bucket that is new, and the signature covers the host, so nobody
        can follow (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html).
        """
        return boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """Has the metrics of functions."""
        return boto3.client("cloudwatch", config=_METRICS)

    @cached_property
    def kms(self) -> "KMSClient":
        """Seals registry passwords, signs images and checks their signatures."""
        return boto3.client("kms", config=_KEYS)

    @cached_property
    def events(self) -> "EventBridgeClient":
        """Takes the ends of tasks."""
        return boto3.client("events")

    @cached_property
    def lambda_(self) -> "LambdaClient":
        """Asks the deploy function, once: a request waits for the answer, and can do without it."""
        return boto3.client("lambda", config=_ASKED_FUNCTION)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """Has the logs of builds."""
        return boto3.client("logs")

    @cached_property
    def step_functions(self) -> "SFNClient":
        """Runs builds."""
        return boto3.client("stepfunctions")

    @cached_property
    def _dynamodb(self) -> "DynamoDBServiceResource":
        return boto3.resource("dynamodb", config=_TABLES)

    @cached_property
    def _tables(self) -> "dict[str, Table]":
        return {}

    def table(self, name: str) -> "Table":
        """Return a DynamoDB table."""
        if name not in self._tables:
            self._tables[name] = self._dynamodb.Table(name)
        return self._tables[name]

    def reset(self) -> None:
        """Forget every client: the next use makes it anew, with the region and credentials of then."""
        vars(self).clear()


clients = Clients()
