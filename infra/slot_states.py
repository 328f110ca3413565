"""The states in which a build gets its slot: it takes a free one by itself, or waits for its turn."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import RowField
from functions.tasks.slot_pools import IF_FREE, NO_SLOT, SLOT, TAKE, pools, slots_in, slots_key
from infra.retries import CONDITION_FAILED, retry_dynamodb, retry_repeatable_function
from infra.settings import Builds
from infra.task_row import ROW_TIMEOUT, TASK

TASK_OVER = "TaskOverError"
"""Name of the exception of `functions.tasks.admission` that says that there is nothing to build."""
_TASK_ID = "$states.context.Execution.Input.task_id"
_WAITED = "{% $merge([$states.input, {'waited_seconds': $states.result.waited_seconds}]) %}"
_FAILURE = "{% $merge([$states.input, $states.errorOutput]) %}"
_WAITED_TOO_LONG = f"{{% $merge([$states.input, {{'Error': '{NO_SLOT}'}}]) %}}"
"""What the function that ends the task is told: a timeout by itself would read as a build that took too long."""


def longest_wait(settings: Builds) -> cdk.Duration:
    """Return the timeout of WaitForSlot."""
    return cdk.Duration.minutes(settings.waiting_minutes)


class SlotStates(Construct):
    """The states before a build; ``first`` is the first of them.

    ::

        TakeSlot ──────────────────────────▶ BuildAndPush
            └ none is free ─▶ WaitForSlot ──▶ BuildAndPush
                                  └ the task is over ─▶ ReadEarlierEnd

    Any other failure leads to RecordFailure. A build that finds a slot free needs no function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: dynamodb.ITable,
        waiter: lambda_.IFunction,
        settings: Builds,
        build: sfn.IChainable,
        ended_before: sfn.IChainable,
        record_failure: sfn.IChainable,
    ) -> None:
        super().__init__(scope, construct_id)
        wait = self._wait(waiter, settings)
        wait.add_catch(ended_before, errors=[TASK_OVER], outputs="{% $states.input %}")
        wait.add_catch(record_failure, errors=["States.Timeout"], outputs=_WAITED_TOO_LONG)
        wait.add_catch(record_failure, errors=["States.ALL"], outputs=_FAILURE)
        wait.next(build)
        self.first = self._take(table, settings)
        self.first.add_catch(wait, errors=[CONDITION_FAILED], outputs="{% $states.input %}")
        self.first.add_catch(record_failure, errors=["States.ALL"], outputs=_FAILURE)
        self.first.next(build)

    def _take(self, table: dynamodb.ITable, settings: Builds) -> tasks.DynamoUpdateItem:
        text = tasks.DynamoAttributeValue.from_string
        partition, most = pool_in_jsonata(settings.concurrency)
        state = tasks.DynamoUpdateItem.jsonata(
            self,
            "TakeSlot",
            comment="Take a free build slot, unless there is none, or others wait for one",
            table=table,
            key={
                RowField.WORKSPACE_ID.value: text(partition),
                RowField.TASK_ID.value: text(slots_key(0)[RowField.TASK_ID]),
            },
            update_expression=TAKE,
            condition_expression=IF_FREE,
            expression_attribute_names={"#slot": f"{{% '{SLOT}' & {_TASK_ID} %}}"},
            expression_attribute_values={
                ":workspace": text(TASK["workspace_id"]),
                ":one": tasks.DynamoAttributeValue.from_number(1),
                ":most": tasks.DynamoAttributeValue.number_from_string(most),
            },
            outputs="{% $states.input %}",
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(state)
        return state

    def _wait(self, waiter: lambda_.IFunction, settings: Builds) -> tasks.LambdaInvoke:
        state = tasks.LambdaInvoke.jsonata(
            self,
            "WaitForSlot",
            comment="Wait for a build slot: free ones go round the workspaces that wait",
            lambda_function=waiter,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object({**TASK, "token": "{% $states.context.Task.Token %}"}),
            outputs=_WAITED,
            task_timeout=sfn.Timeout.duration(longest_wait(settings)),
            retry_on_service_exceptions=False,
        )
        state.add_retry(errors=[TASK_OVER, "States.Timeout"], max_attempts=0)
        retry_repeatable_function(state)
        return state


def pool_in_jsonata(slots: int) -> tuple[str, str]:
    """Return the partition of a task's pool and the number of its slots, as texts that may be JSONata."""
    if pools(slots) == 1:
        return slots_key(0)[RowField.WORKSPACE_ID], str(slots)
    digits = "0123456789abcdef"
    # `functions.tasks.slot_pools.pool_of`
    value = f"function($at) {{ $length($substringBefore('{digits}', $substring({_TASK_ID}, $at, 1))) }}"
    pool = f"($value := {value}; (16 * $value(-2) + $value(-1)) % {pools(slots)})"
    prefix = slots_key(0)[RowField.WORKSPACE_ID].removesuffix("0")
    first, last = slots_in(0, slots), slots_in(pools(slots) - 1, slots)
    most = str(first) if first == last else f"{{% $string({pool} < {slots % pools(slots)} ? {first} : {last}) %}}"
    return f"{{% '{prefix}' & $string({pool}) %}}", most
