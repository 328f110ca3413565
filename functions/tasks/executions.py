"""The executions of the state machine: one a task, named after it."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from functions.aws import clients
from functions.contracts.task import TaskKey

_NOTHING_TO_STOP: Final = frozenset({"ExecutionDoesNotExist", "ValidationException"})


@dataclass(frozen=True, slots=True)
class Execution:
    """Where an execution is; ``status`` as in DescribeExecution."""

    status: str
    started: datetime.datetime

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status not in {"RUNNING", "PENDING_REDRIVE"}


@dataclass(frozen=True, slots=True)
class Executions:
    """The executions of one state machine."""

    state_machine_arn: str

    def start(self, task: TaskKey, *, file_name: str, app_name: str | None) -> None:
        """Start a task's execution; a second call is no error, since the execution is named after the task.

        Parameters
        ----------
        task
            The task.
        file_name, app_name
            What is built, for whoever reads the execution's history.
        """
        told = {**task.fields(), "file_name": file_name, **({} if app_name is None else {"app_name": app_name})}
        try:
            clients.step_functions.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=task.task_id,
                input=json.dumps(told, ensure_ascii=False),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def stop(self, task_id: str, cause: str) -> None:
        """Stop a task's execution if it runs."""
        try:
            clients.step_functions.stop_execution(executionArn=self.arn(task_id), error="Cancelled", cause=cause)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOTHING_TO_STOP:
                raise

    def find(self, task_id: str) -> Execution | None:
        """Return a task's execution; None if it was never started, or ended over 90 days ago."""
        try:
            found = clients.step_functions.describe_execution(executionArn=self.arn(task_id))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        return Execution(found["status"], found["startDate"])

    def running(self) -> Mapping[str, datetime.datetime]:
        """Names of all executions that run, with when they began: one request for a thousand of them."""
        pages = clients.step_functions.get_paginator("list_executions")
        return {
            execution["name"]: execution["startDate"]
            for page in pages.paginate(stateMachineArn=self.state_machine_arn, statusFilter="RUNNING")
            for execution in page["executions"]
        }

    def arn(self, task_id: str) -> str:
        """ARN of a task's execution."""
        return self.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{task_id}"
