"""The states of the build pipeline. Each state has a timeout, and each failure leads to the end of the task."""

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import ENDED, RowField, TaskStatus
from infra.deploy_states import DeployStates
from infra.retries import CONDITION_FAILED, retry_dynamodb, retry_repeatable_function, retry_start_build
from infra.settings import Builds
from infra.task_row import ROW_TIMEOUT, TASK, row_key

_RECORD = cdk.Duration.minutes(1)
_UNRECORDED = "The build's result could not be recorded. Upload again; if it persists, tell the platform team."


def build_time(settings: Builds) -> cdk.Duration:
    """Return the timeout of one try of BuildAndPush: CodeBuild's own limits, and time to start and stop."""
    return cdk.Duration.minutes(settings.timeout_minutes + settings.queued_minutes + 5)


def longest(settings: Builds) -> cdk.Duration:
    """Return the timeout of an execution: waiting for a place in CodeBuild's queue, building, recording."""
    return cdk.Duration.minutes(_start_tries(settings) + build_time(settings).to_minutes() + 25)


def _start_tries(settings: Builds) -> int:
    # Between tries are 0 to 60 seconds (full jitter), 30 on average: they wait about `queued_minutes` in all.
    return 2 * settings.queued_minutes


class BuildStates(Construct):
    """The states of a build; ``first`` is the first of them.

    ::

        MarkBuilding ─▶ BuildAndPush ─▶ RecordResult ──┬─▶ IsDone ─▶ FindDeployment … (`infra.deploy_states`) | Failed
             │               └ any failure ─▶ RecordFailure
             └ ended before ─▶ FindDeployment …        └ function broken ─▶ MarkFailed ─▶ Failed

    Without ``deploy`` there is no cluster: Done and Skipped take the place of FindDeployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: dynamodb.ITable,
        project: codebuild.IProject,
        recorder: lambda_.IFunction,
        deploy: lambda_.IFunction | None,
        settings: Builds,
    ) -> None:
        super().__init__(scope, construct_id)
        self._table = table
        self._done = sfn.Succeed.jsonata(self, "Done")
        self._failed = sfn.Fail.jsonata(self, "Failed", error="BuildFailed", cause="The task's error says why.")
        skipped = sfn.Succeed.jsonata(self, "Skipped", comment="The task had ended before its build began.")
        built, ended_before = self._done, skipped
        if deploy is not None:
            after = DeployStates(self, "Deployment", table=table, deploy=deploy, done=self._done, skipped=skipped)
            built = ended_before = after.first
        self._is_done = sfn.Choice.jsonata(self, "IsDone")
        self._is_done.when(sfn.Condition.jsonata("{% $states.input.status = 'done' %}"), built)
        self._is_done.otherwise(self._failed)
        self._mark_failed = self._mark_failed_state()
        record = self._record("RecordResult", recorder, {})
        record_failure = self._record(
            "RecordFailure",
            recorder,
            {
                "error": "{% $states.input.Error %}",
                "cause": "{% $exists($states.input.Cause) ? $states.input.Cause : '' %}",
            },
        )
        build = self._build(project, settings)
        build.add_catch(record_failure, errors=["States.ALL"], outputs="{% $states.errorOutput %}").next(record)
        mark = self._mark_building()
        # The task was cancelled, or it reuses the image of an earlier build, which may have to be deployed.
        mark.add_catch(ended_before, errors=[CONDITION_FAILED])
        mark.add_catch(record_failure, errors=["States.ALL"], outputs="{% $states.errorOutput %}")
        self.first = mark.next(build)

    def _mark_building(self) -> tasks.DynamoUpdateItem:
        # A retry after a lost answer finds `building`, which only this execution writes: so it is allowed here.
        return self._update(
            "MarkBuilding",
            "SET #status = :building, #updated = :now",
            (TaskStatus.PENDING, TaskStatus.BUILDING),
            names={},
            values={":building": TaskStatus.BUILDING.value},
        )

    def _build(self, project: codebuild.IProject, settings: Builds) -> sfn.TaskStateBase:
        build = tasks.CodeBuildStartBuild.jsonata(
            self,
            "BuildAndPush",
            project=project,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            environment_variables_override={
                "WORKSPACE_ID": codebuild.BuildEnvironmentVariable(value=TASK["workspace_id"]),
                "TASK_ID": codebuild.BuildEnvironmentVariable(value=TASK["task_id"]),
            },
            task_timeout=sfn.Timeout.duration(build_time(settings)),
        )
        retry_start_build(build, tries_for_a_place=_start_tries(settings))
        return build

    def _record(self, name: str, recorder: lambda_.IFunction, more: dict[str, str]) -> tasks.LambdaInvoke:
        state = tasks.LambdaInvoke.jsonata(
            self,
            name,
            lambda_function=recorder,
            payload=sfn.TaskInput.from_object({**TASK, **more}),
            outputs="{% $states.result.Payload %}",
            task_timeout=sfn.Timeout.duration(_RECORD),
            retry_on_service_exceptions=False,
        )
        retry_repeatable_function(state)
        state.add_catch(self._mark_failed, errors=["States.ALL"])
        state.next(self._is_done)
        return state

    def _mark_failed_state(self) -> tasks.DynamoUpdateItem:
        """End a task when the function that should do so is broken: this state needs DynamoDB alone."""
        running = tuple(status for status in TaskStatus if status not in ENDED)
        state = self._update(
            "MarkFailed",
            "SET #status = :failed, #error = :error, #updated = :now REMOVE #credentials, #upload",
            running,
            names={
                "#error": RowField.ERROR,
                "#credentials": RowField.REGISTRY_CREDENTIALS,
                "#upload": RowField.UPLOAD_EXPIRES_AT,
            },
            values={":failed": TaskStatus.FAILED.value, ":error": _UNRECORDED},
        )
        state.add_catch(self._failed, errors=["States.ALL"])
        state.next(self._failed)
        return state

    def _update(
        self,
        name: str,
        expression: str,
        allowed: tuple[TaskStatus, ...],
        *,
        names: dict[str, RowField],
        values: dict[str, str],
    ) -> tasks.DynamoUpdateItem:
        values = {**values, ":now": "{% $now() %}", **{f":was_{status}": status.value for status in allowed}}
        text = tasks.DynamoAttributeValue.from_string
        names = {"#status": RowField.STATUS, "#updated": RowField.UPDATED_AT, **names}
        state = tasks.DynamoUpdateItem.jsonata(
            self,
            name,
            table=self._table,
            key=row_key(),
            update_expression=expression,
            condition_expression="#status IN (" + ", ".join(f":was_{status}" for status in allowed) + ")",
            expression_attribute_names={short: field.value for short, field in names.items()},
            expression_attribute_values={short: text(value) for short, value in values.items()},
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(state)
        return state
