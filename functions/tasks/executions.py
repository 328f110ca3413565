"""What Step Functions knows of a task's execution, which is named after it."""

import datetime
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class Execution:
    """Where an execution is; ``status`` as in DescribeExecution."""

    status: str
    started: datetime.datetime

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status not in {"RUNNING", "PENDING_REDRIVE"}


@functools.cache
def _step_functions() -> "SFNClient":
    return boto3.client("stepfunctions")


def running_executions(state_machine_arn: str) -> Mapping[str, datetime.datetime]:
    """Names of all executions that run, with when they began: one request for a thousand of them."""
    pages = _step_functions().get_paginator("list_executions")
    return {
        execution["name"]: execution["startDate"]
        for page in pages.paginate(stateMachineArn=state_machine_arn, statusFilter="RUNNING")
        for execution in page["executions"]
    }


def execution_of(state_machine_arn: str, task_id: str) -> Execution | None:
    """The task's execution; None when there is none (never started, or ended over 90 days ago)."""
    arn = state_machine_arn.replace(":stateMachine:", ":execution:") + f":{task_id}"
    try:
        found = _step_functions().describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise
    return Execution(found["status"], found["startDate"])
