"""The state machine that an operator reads in the console: mark, build and push, record. Every state has a timeout."""

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import RowField, TaskStatus
from infra.builder import Builder
from infra.bundles import API_BUNDLE
from infra.lambda_function import ServiceFunction
from infra.settings import Builds
from infra.storage import Storage

_QUICK = cdk.Duration.seconds(30)
_RECORD = cdk.Duration.minutes(2)


class BuildPipeline(Construct):
    """``state_machine`` runs one task, named after it; whatever ends without a word is closed by an event rule.

    ```
    MarkBuilding ─▶ BuildAndPush ─▶ RecordResult ─▶ IsDone ─▶ Done
         │               └ any failure ─▶ RecordFailure ─▶ IsDone ─▶ Failed
         └ ended before (cancelled) ─▶ Skipped
    ```
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, storage: Storage, builder: Builder, settings: Builds
    ) -> None:
        super().__init__(scope, construct_id)
        environment = {
            "TASK_TABLE": storage.task_table.table_name,
            "CODE_BUCKET": storage.code_bucket.bucket_name,
        }
        recorder = ServiceFunction(
            self,
            "RecordResult",
            module="record_result",
            description="Ends a task by what the builder reported",
            bundle=API_BUNDLE,
            environment=environment,
            timeout=_QUICK,
        )
        closer = ServiceFunction(
            self,
            "CloseTask",
            module="close_task",
            description="Ends the task of an execution that failed, timed out or was aborted",
            bundle=API_BUNDLE,
            environment=environment,
            timeout=_QUICK,
        )
        for function in (recorder, closer):
            storage.task_table.grant(function, "dynamodb:GetItem", "dynamodb:UpdateItem")
            storage.allow_objects(function, "build-artifacts/*/result.json", "s3:GetObject")
        build_time = cdk.Duration.minutes(settings.timeout_minutes + settings.queued_minutes + 5)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            comment="Blue FaaS: one execution is one build task; its name is the task id",
            definition_body=sfn.DefinitionBody.from_chainable(
                _definition(Construct(self, "States"), storage, builder.project, recorder, build_time)
            ),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=cdk.Duration.minutes(build_time.to_minutes() + 10),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    retention=logs.RetentionDays.THREE_MONTHS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )
        self._close_what_ends_without_a_word(closer)

    def _close_what_ends_without_a_word(self, closer: lambda_.IFunction) -> None:
        undelivered = sqs.Queue(
            self,
            "UndeliveredEnds",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        events.Rule(
            self,
            "ExecutionEnded",
            description="Executions that failed, timed out or were aborted: their task must not stay open",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.state_machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[targets.LambdaFunction(closer, dead_letter_queue=undelivered, retry_attempts=10)],
        )


def _definition(
    scope: Construct,
    storage: Storage,
    project: codebuild.IProject,
    recorder: lambda_.IFunction,
    build_time: cdk.Duration,
) -> sfn.IChainable:
    task = {"workspace_id": "{% $states.context.Execution.Input.workspace_id %}"}
    task["task_id"] = "{% $states.context.Execution.Input.task_id %}"
    done = sfn.Succeed.jsonata(scope, "Done")
    failed = sfn.Fail.jsonata(scope, "Failed", error="BuildFailed", cause="The task's error says why.")
    skipped = sfn.Succeed.jsonata(scope, "Skipped", comment="The task had ended before its build began.")
    is_done = sfn.Choice.jsonata(scope, "IsDone")
    is_done.when(sfn.Condition.jsonata("{% $states.input.status = 'done' %}"), done).otherwise(failed)
    record = tasks.LambdaInvoke.jsonata(
        scope,
        "RecordResult",
        lambda_function=recorder,
        payload=sfn.TaskInput.from_object(task),
        outputs="{% $states.result.Payload %}",
        task_timeout=sfn.Timeout.duration(_RECORD),
        retry_on_service_exceptions=True,
    ).next(is_done)
    record_failure = tasks.LambdaInvoke.jsonata(
        scope,
        "RecordFailure",
        lambda_function=recorder,
        payload=sfn.TaskInput.from_object(
            {**task, "error": "{% $states.input.Error %}", "cause": "{% $states.input.Cause %}"}
        ),
        outputs="{% $states.result.Payload %}",
        task_timeout=sfn.Timeout.duration(_RECORD),
        retry_on_service_exceptions=True,
    ).next(is_done)
    build = (
        tasks.CodeBuildStartBuild.jsonata(
            scope,
            "BuildAndPush",
            project=project,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            environment_variables_override={
                "WORKSPACE_ID": codebuild.BuildEnvironmentVariable(value=task["workspace_id"]),
                "TASK_ID": codebuild.BuildEnvironmentVariable(value=task["task_id"]),
            },
            task_timeout=sfn.Timeout.duration(build_time),
        )
        .add_retry(
            # Started too fast for the account's quota, or CodeBuild had a bad moment: nothing has been built yet.
            errors=["CodeBuild.AccountLimitExceededException", "CodeBuild.ThrottlingException"],
            interval=cdk.Duration.seconds(10),
            max_attempts=8,
            backoff_rate=2,
            max_delay=cdk.Duration.minutes(2),
            jitter_strategy=sfn.JitterType.FULL,
        )
        .add_catch(record_failure, errors=["States.ALL"], outputs="{% $states.errorOutput %}")
        .next(record)
    )
    return (
        tasks.DynamoUpdateItem.jsonata(
            scope,
            "MarkBuilding",
            table=storage.task_table,
            key={
                RowField.WORKSPACE_ID.value: tasks.DynamoAttributeValue.from_string(task["workspace_id"]),
                RowField.TASK_ID.value: tasks.DynamoAttributeValue.from_string(task["task_id"]),
            },
            update_expression="SET #status = :building, #updated = :now",
            condition_expression="#status = :pending",
            expression_attribute_names={"#status": RowField.STATUS.value, "#updated": RowField.UPDATED_AT.value},
            expression_attribute_values={
                ":building": tasks.DynamoAttributeValue.from_string(TaskStatus.BUILDING.value),
                ":pending": tasks.DynamoAttributeValue.from_string(TaskStatus.PENDING.value),
                ":now": tasks.DynamoAttributeValue.from_string("{% $now() %}"),
            },
            task_timeout=sfn.Timeout.duration(_QUICK),
        )
        .add_retry(
            errors=["DynamoDB.ProvisionedThroughputExceededException", "DynamoDB.ThrottlingException"],
            max_attempts=6,
            jitter_strategy=sfn.JitterType.FULL,
        )
        .add_catch(skipped, errors=["DynamoDB.ConditionalCheckFailedException"])
        .add_catch(record_failure, errors=["States.ALL"], outputs="{% $states.errorOutput %}")
        .next(build)
    )
