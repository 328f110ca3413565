"""An AWS account in memory (moto) with what the build functions use, and what a test wants to know of it."""

import json
from typing import Any

import boto3

BUCKET = "code-bucket"
TABLE = "tasks"
OWN_REPOSITORY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app"
OTHER_REPOSITORY = "217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/blue-final-faas-app"


class Account:
    """The account and its resources (make it inside `moto.mock_aws`)."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")
        self._table = boto3.resource("dynamodb").Table(TABLE)
        self._step_functions = boto3.client("stepfunctions")
        self.state_machine_arn = ""
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
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def reset(self) -> None:
        """Empty everything; executions go by making the state machine anew."""
        for row in self.rows():
            self._table.delete_item(Key={"workspace_id": row["workspace_id"], "task_id": row["task_id"]})
        for key in self.keys():
            self._s3.delete_object(Bucket=BUCKET, Key=key)
        if self.state_machine_arn:
            self._step_functions.delete_state_machine(stateMachineArn=self.state_machine_arn)
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
            "MAX_UPLOAD_BYTES": "100000",
        }

    def rows(self) -> list[dict[str, Any]]:
        """Every task row."""
        return self._table.scan()["Items"]

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
