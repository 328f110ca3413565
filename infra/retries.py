"""Retries of the state machine's states, by what the failed call may have done."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
"""The row is not in the state that the write requires: a result, not a failure."""
NO_PLACE = ("CodeBuild.AccountLimitExceededException",)
"""More builds at once than the account or the project may run."""
CODEBUILD_BUSY = ("CodeBuild.AWSCodeBuildException", "CodeBuild.CodeBuildException", "CodeBuild.ThrottlingException")
"""StartBuild was throttled, or failed in a way that its API does not model.

An integration names such errors after the base exception of the AWS SDK for Java: the first name is version 1's, the
second version 2's; state machines in the field catch either. The third is for the day on which the API models it.
"""


LAMBDA_BUSY = (
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
)
"""Lambda had no capacity for the invocation, or failed itself."""
NOT_INVOKED = (
    "Lambda.TooManyRequestsException",
    "Lambda.SnapStartNotReadyException",
    "Lambda.SnapStartTimeoutException",
)
"""Errors that say that the function did not run."""
_ANY = ("States.ALL",)


def retry_dynamodb(state: tasks.DynamoUpdateItem | tasks.DynamoGetItem) -> None:
    """Repeat a read or a conditional write that failed for any reason but its condition.

    The reasons are not listed on purpose: DynamoDB's names come in several spellings, and each of these calls can be
    repeated without harm.
    """
    state.add_retry(errors=[CONDITION_FAILED], max_attempts=0)
    _retry(state, _ANY, times=8, first_seconds=1, longest_seconds=30)


def retry_start_build(state: sfn.TaskStateBase, *, tries_for_a_place: int) -> None:
    """Repeat StartBuild if it reports that it started nothing, and a few times if it does not report that.

    A second build is harmless: the later one takes over the task's row, and only one of two can move it to ``pushing``.
    """
    _retry(state, NO_PLACE, times=tries_for_a_place, first_seconds=5, longest_seconds=60)
    _retry(state, CODEBUILD_BUSY, times=8, first_seconds=5, longest_seconds=60)


def retry_repeatable_function(state: tasks.LambdaInvoke) -> None:
    """Repeat a function that may run twice: often while Lambda is busy, a few times when the function fails."""
    _retry(state, LAMBDA_BUSY, times=10, first_seconds=1, longest_seconds=60)
    _retry(state, _ANY, times=4, first_seconds=2, backoff_rate=3)


def retry_unstarted_function(state: tasks.LambdaInvoke) -> None:
    """Repeat a function that must not run twice: only what says that it did not run."""
    _retry(state, NOT_INVOKED, times=8, first_seconds=2, longest_seconds=30)


def _retry(
    state: sfn.TaskStateBase,
    errors: Sequence[str],
    *,
    times: int,
    first_seconds: int,
    longest_seconds: int | None = None,
    backoff_rate: int = 2,
) -> None:
    """Repeat ``state`` with full jitter: the pauses differ between executions that failed together."""
    state.add_retry(
        errors=list(errors),
        interval=cdk.Duration.seconds(first_seconds),
        max_attempts=times,
        backoff_rate=backoff_rate,
        max_delay=None if longest_seconds is None else cdk.Duration.seconds(longest_seconds),
        jitter_strategy=sfn.JitterType.FULL,
    )
