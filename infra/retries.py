"""How states of the state machine try again, by what the service that they call may have done."""

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
"""The row is not in the state that a write asks for: an answer, not a failure."""
NO_PLACE = ("CodeBuild.AccountLimitExceededException",)
"""More builds at once than the account or the project may run."""
CODEBUILD_BUSY = ("CodeBuild.AWSCodeBuildException", "CodeBuild.CodeBuildException", "CodeBuild.ThrottlingException")
"""StartBuild was throttled, or failed in a way that its API does not model.

An integration names such errors after the base exception of the AWS SDK for Java: the first name is version 1's, the
second version 2's; state machines in the field catch either. The third is for the day on which the API models it.
"""


def retry_dynamodb(state: tasks.DynamoUpdateItem | tasks.DynamoGetItem) -> None:
    """Repeat a read or a conditional write that failed for whatever reason but its condition.

    Names of the reasons are left out on purpose: DynamoDB's come in several spellings, and each of these calls can be
    repeated without harm.
    """
    state.add_retry(errors=[CONDITION_FAILED], max_attempts=0)
    state.add_retry(
        errors=["States.ALL"],
        interval=cdk.Duration.seconds(1),
        max_attempts=8,
        backoff_rate=2,
        max_delay=cdk.Duration.seconds(30),
        jitter_strategy=sfn.JitterType.FULL,
    )


def retry_start_build(state: sfn.TaskStateBase, *, tries_for_a_place: int) -> None:
    """Repeat StartBuild when it says that it started nothing, and a few times when it does not say.

    A build that was started all the same is harmless: the later one takes the task's row over, and of two only one can
    move it to ``pushing``.
    """
    for errors, tries in ((NO_PLACE, tries_for_a_place), (CODEBUILD_BUSY, 8)):
        state.add_retry(
            errors=list(errors),
            interval=cdk.Duration.seconds(5),
            max_attempts=tries,
            backoff_rate=2,
            max_delay=cdk.Duration.minutes(1),
            jitter_strategy=sfn.JitterType.FULL,
        )
