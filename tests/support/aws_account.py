"""An AWS account in memory (moto) with what the build functions use, and what a test wants to know of it."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.backends import get_backend

from functions.contracts.task import UNSETTLED_INDEX
from functions.tenancy.table_keys import PARTITION, WORKSPACE_ID

BUCKET = "code-bucket"
TABLE = "tasks"
POLICY_TABLE = "policies"
ADMINISTRATOR = "arn:aws:iam::123456789012:role/administrator"
LOG_GROUP = "builds"
EVENT_BUS = "BlueFaas"
DEPLOY_FUNCTION = "arn:aws:lambda:ap-northeast-2:123456789012:function:deploy:live"
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"
OWN_REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/blue-faas-app"
OTHER_REPOSITORY = "217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/blue-final-faas-app"


def make_policy_table() -> None:
    """Make the table as `infra.tenancy` does."""
    boto3.client("dynamodb").create_table(
        TableName=POLICY_TABLE,
        KeySchema=[
            {"AttributeName": PARTITION, "KeyType": "HASH"},
            {"AttributeName": WORKSPACE_ID, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": PARTITION, "AttributeType": "S"},
            {"AttributeName": WORKSPACE_ID, "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


class Account:
    """The account and its resources (make it inside `moto.mock_aws`)."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")
        self._table = boto3.resource("dynamodb").Table(TABLE)
        self._step_functions = boto3.client("stepfunctions")
        self._make_state_machine()
        self.key_arn = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        self._s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "workspace_id", "KeyType": "HASH"},
                {"AttributeName": "task_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "workspace_id", "AttributeType": "S"},
                {"AttributeName": "task_id", "AttributeType": "S"},
                {"AttributeName": "unsettled", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": UNSETTLED_INDEX,
                    "KeySchema": [
                        {"AttributeName": "unsettled", "KeyType": "HASH"},
                        {"AttributeName": "task_id", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        make_policy_table()
        self._logs = boto3.client("logs")
        self._logs.create_log_group(logGroupName=LOG_GROUP)
        self._ecr = boto3.client("ecr")
        self._ecr.create_repository(repositoryName="blue-faas-app")
        boto3.client("events").create_event_bus(Name=EVENT_BUS)

    def reset(self) -> None:
        """Empty everything, in moto's own memory: to ask for what is there took a quarter of these tests' time."""
        for table in (TABLE, POLICY_TABLE):
            _backend("dynamodb").tables[table].items.clear()
        _backend("s3", "aws").buckets[BUCKET].keys.clear()
        _backend("ecr").repositories["blue-faas-app"].images.clear()
        for machine in _backend("stepfunctions").state_machines:
            machine.executions.clear()

    @contextmanager
    def without_state_machine(self) -> Iterator[None]:
        """No execution can be started for a while."""
        self._step_functions.delete_state_machine(stateMachineArn=self.state_machine_arn)
        try:
            yield
        finally:
            self._make_state_machine()

    def _make_state_machine(self) -> None:
        self.state_machine_arn = self._step_functions.create_state_machine(
            name="build",
            definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/state-machine",
        )["stateMachineArn"]

    def environment(self) -> dict[str, str]:
        """What the stack would hand to the functions."""
        return {
            "TASK_TABLE": TABLE,
            "CODE_BUCKET": BUCKET,
            "STATE_MACHINE_ARN": self.state_machine_arn,
            "CREDENTIALS_KEY_ID": self.key_arn,
            "DEFAULT_IMAGE_REPOSITORY": OWN_REPOSITORY,
            "REGISTRY_ALLOW_LIST": json.dumps([r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/.+"]),
            "LIMITS_REQUEST_BYTES": "2000000",
            "LIMITS_UPLOAD_BYTES": str(200 * 1024 * 1024),
            "LIMITS_UPLOAD_MINUTES": "30",
            "BUILDS_CONCURRENCY": "2",
            "LIMITS_RUNNING_BUILDS": "100",
            "LIMITS_KEPT_TASKS": "5000",
            "LIMITS_WAITING_REQUESTS": "20",
            "LIMITS_ALL_WAITING_REQUESTS": "60",
            "STORAGE_TASK_RETENTION_DAYS": "90",
            "STUCK_AFTER_MINUTES": "120",
            "DEPLOY_FUNCTION": DEPLOY_FUNCTION,
            "AUTHORIZER": "none",
            "TENANCY": "open",
            "POLICY_TABLE": POLICY_TABLE,
            "ADMINISTRATORS": json.dumps([ADMINISTRATOR]),
            "TOOLCHAIN_ID": "toolchain-1",
            "BUILD_LOG_GROUP": LOG_GROUP,
            "EVENT_BUS_NAME": EVENT_BUS,
        }

    def rows(self) -> list[dict[str, Any]]:
        """Every task row."""
        return [item for item in self._table.scan()["Items"] if "#" not in str(item["workspace_id"])]

    def side_items(self) -> list[dict[str, Any]]:
        """Every item of the task table that is no task."""
        return [item for item in self._table.scan()["Items"] if "#" in str(item["workspace_id"])]

    def change(self, row: dict[str, Any], **fields: Any) -> None:
        """Overwrite fields of a row."""
        self._table.put_item(Item={**row, **fields})

    def versions(self, prefix: str = "") -> list[tuple[str, str]]:
        """Key and version id of every object version and delete marker below ``prefix``."""
        listed = self._s3.list_object_versions(Bucket=BUCKET, Prefix=prefix)
        found = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
        return [(entry["Key"], entry["VersionId"]) for entry in found]

    def push_image(self, tag: str, content: str = "") -> str:
        """Put an image into the stack's own repository; answers its digest."""
        digest = hashlib.sha256((content or tag).encode()).hexdigest()
        layer = {"mediaType": "application/octet-stream", "size": 1, "digest": f"sha256:{digest}"}
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": layer,
            "layers": [layer],
        }
        manifest = json.dumps(document)
        # As ECR computes it; moto makes one up.
        manifest_digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        self._ecr.put_image(
            repositoryName="blue-faas-app", imageManifest=manifest, imageTag=tag, imageDigest=manifest_digest
        )
        return manifest_digest

    def remove_image(self, tag: str) -> None:
        """Take an image out of the repository."""
        self._ecr.batch_delete_image(repositoryName="blue-faas-app", imageIds=[{"imageTag": tag}])

    def log(self, build: str, *lines: str) -> None:
        """Write lines to the log of a build (the part of its id after the colon)."""
        if not self._logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=build)["logStreams"]:
            self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=build)
        now = int(time.time() * 1000)
        self._logs.put_log_events(
            logGroupName=LOG_GROUP,
            logStreamName=build,
            logEvents=[{"timestamp": now, "message": f"{line}\n"} for line in lines],
        )

    def stopped(self) -> list[str]:
        """Names of the executions that were stopped."""
        listed = self._step_functions.list_executions(stateMachineArn=self.state_machine_arn, statusFilter="ABORTED")
        return [execution["name"] for execution in listed["executions"]]

    def keys(self, prefix: str = "") -> list[str]:
        """Every key in the code bucket below ``prefix``."""
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def put(self, key: str, content: bytes) -> str:
        """Store an object; answers its version id."""
        return self._s3.put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]

    def executions(self) -> list[str]:
        """Names of the started executions."""
        listed = self._step_functions.list_executions(stateMachineArn=self.state_machine_arn)
        return [execution["name"] for execution in listed["executions"]]

    def is_empty(self) -> bool:
        """No row, no object, no execution."""
        return not self.rows() and not self.keys() and not self.executions()


def _backend(service: str, region: str = REGION) -> Any:
    return get_backend(service)[ACCOUNT][region]
