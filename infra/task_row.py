"""The task of an execution, and its row, as states of the state machine name them."""

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions_tasks as tasks

from functions.contracts.task import RowField

TASK = {
    "workspace_id": "{% $states.context.Execution.Input.workspace_id %}",
    "task_id": "{% $states.context.Execution.Input.task_id %}",
}
"""The task as a state's input, in JSONata."""
ROW_TIMEOUT = cdk.Duration.seconds(30)
"""Longest that one read or write of the row may take."""


def row_key() -> dict[str, tasks.DynamoAttributeValue]:
    """Return the key of the task's row."""
    text = tasks.DynamoAttributeValue.from_string
    return {
        RowField.WORKSPACE_ID.value: text(TASK["workspace_id"]),
        RowField.TASK_ID.value: text(TASK["task_id"]),
    }
