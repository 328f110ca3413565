"""The states of the build pipeline. Each state has a timeout, and each failure leads to the end of the task."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import ENDED, Next, RowField, TaskStatus
from infra.deploy_states import DeployStates
from infra.retries import CONDITION_FAILED, retry_dynamodb, retry_repeatable_function, retry_start_build
from infra.settings import Builds
from infra.slot_states import SlotStates, longest_wait
from infra.task_row import ROW_TIMEOUT, TASK, row_key

_RECORD = cdk.Duration.minutes(1)
_SIGN = cdk.Duration.minutes(1)
_FAILURE = "{% $merge([$states.input, $states.errorOutput]) %}"
_UNRECORDED = "The build's result could not be recorded. Upload again; if it persists, tell the platform team."
_UNSIGNED = """{% $merge([$states.input, {'signature': {'not_signed':
    'The image could not be signed: see the log of the function sign-image.'}}]) %}"""
_UNREAD = "There was nothing to build, and the task could not be read. To deploy its image: POST /api/v1/deploy."
_BUILT = """{% $merge([$states.input, {
    'build_id': $states.result.Build.Id,
    'build_status': $states.result.Build.BuildStatus,
    'build_log_url': $exists($states.result.Build.Logs.DeepLink) ? $states.result.Build.Logs.DeepLink : null
}]) %}"""


def build_time(settings: Builds) -> cdk.Duration:
    """Return the timeout of one try of BuildAndPush: CodeBuild's own limits, and time to start and stop."""
    return cdk.Duration.minutes(settings.timeout_minutes + settings.queued_minutes + 5)


def longest(settings: Builds) -> cdk.Duration:
    """Return the timeout of an execution: waiting for a slot, then for a place in CodeBuild, building, and the rest."""
    minutes = longest_wait(settings).to_minutes() + _start_tries(settings) + build_time(settings).to_minutes() + 30
    return cdk.Duration.minutes(minutes)


def _start_tries(settings: Builds) -> int:
    # Between tries are 0 to 60 seconds (full jitter), 30 on average: they wait about `queued_minutes` in all.
    return 2 * settings.queued_minutes


def _is_next(following: Next) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% $states.input.next = '{following}' %}}")


class BuildStates(Construct):
    """The states of a build; ``first`` is the first of them.

    ::

        MarkQueued ─▶ TakeSlot … ─▶ BuildAndPush ─▶ RecordResult ──┬─▶ SignOrEnd ─▶ SignImage ─▶ DeployOrEnd …
             │                            └ any failure ─▶ RecordFailure ─┤      └─▶ Failed | Skipped
             └ ended before ─▶ ReadEarlierEnd ──────────────────────┘
                                    each, when the function is broken ─▶ MarkFailed ─▶ Failed

    Every state's input and output is for people: what is built, where its log is, how it ended
    (`functions.tasks.task_end`). The task is done before its image is signed: whoever waits for it does not wait for
    that, a deploy does. What TakeSlot and Deploy lead to is in `infra.slot_states` and `infra.deploy_states`; without
    ``deploy`` there is no cluster, and no choice.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: dynamodb.ITable,
        project: codebuild.IProject,
        recorder: lambda_.IFunction,
        waiter: lambda_.IFunction,
        signer: lambda_.IFunction,
        deploy: lambda_.IFunction | None,
        settings: Builds,
    ) -> None:
        super().__init__(scope, construct_id)
        self._table = table
        self._failed = sfn.Fail.jsonata(
            self,
            "Failed",
            error="BuildFailed",
            cause="{% $states.input.error %}",
            comment="The task failed; the cause is the task's error, as its owner reads it",
        )
        self._mark_failed = self._mark_failed_state()
        self._ends = self._sign_or_end(signer, self._deploy_or_end(deploy))
        record = self._record(
            "RecordResult",
            recorder,
            {"build_log_url": "{% $states.input.build_log_url %}"},
            comment="End the task by the builder's report",
        )
        record_failure = self._record(
            "RecordFailure",
            recorder,
            {
                "error": "{% $states.input.Error %}",
                "cause": "{% $exists($states.input.Cause) ? $states.input.Cause : '' %}",
            },
            comment="End the task by the builder's report, or without one by how the build ended",
        )
        # The task was cancelled, or it reuses the image of an earlier build, which may have to be deployed.
        ended_before = self._recorder(
            "ReadEarlierEnd",
            recorder,
            {"ended_before": True},
            comment="There is nothing to build: read how the task had ended before",
        )
        ended_before.add_catch(self._failed, errors=["States.ALL"], outputs={"error": _UNREAD})
        build = self._build(project, settings)
        build.add_catch(record_failure, errors=["States.ALL"], outputs=_FAILURE).next(record)
        mark = self._mark_queued()
        mark.add_catch(ended_before, errors=[CONDITION_FAILED], outputs="{% $states.input %}")
        mark.add_catch(record_failure, errors=["States.ALL"], outputs=_FAILURE)
        slot = SlotStates(
            self,
            "Slots",
            table=table,
            waiter=waiter,
            settings=settings,
            build=build,
            ended_before=ended_before,
            record_failure=record_failure,
        )
        self.first = mark.next(slot.first)

    def _sign_or_end(self, signer: lambda_.IFunction, then: sfn.IChainable) -> sfn.Choice:
        skipped = sfn.Succeed.jsonata(
            self, "Skipped", comment="The task was cancelled or deleted before its build began"
        )
        choice = sfn.Choice.jsonata(
            self, "SignOrEnd", comment="Sign the image of a task that is done; otherwise the task is over"
        )
        sign = self._sign(signer)
        sign.next(then)
        sign.add_catch(then, errors=["States.ALL"], outputs=_UNSIGNED)
        for following in ("done", "deploy"):
            choice.when(_is_next(following), sign)
        choice.when(_is_next("skip"), skipped)
        choice.otherwise(self._failed)
        return choice

    def _sign(self, signer: lambda_.IFunction) -> tasks.LambdaInvoke:
        state = tasks.LambdaInvoke.jsonata(
            self,
            "SignImage",
            comment="Put a signature, the provenance and the SBOM beside an image of the own repository",
            lambda_function=signer,
            payload=sfn.TaskInput.from_object(TASK),
            outputs="{% $merge([$states.input, {'signature': $states.result.Payload}]) %}",
            task_timeout=sfn.Timeout.duration(_SIGN),
            retry_on_service_exceptions=False,
        )
        retry_repeatable_function(state)
        return state

    def _deploy_or_end(self, deploy: lambda_.IFunction | None) -> sfn.IChainable:
        done = sfn.Succeed.jsonata(
            self, "Done", comment="The image is pushed; a deployment that failed is told in `deployment`"
        )
        if deploy is None:
            return done
        choice = sfn.Choice.jsonata(
            self, "DeployOrEnd", comment="Deploy the image if the upload asked for that; otherwise the task is over"
        )
        first = DeployStates(self, "Deployment", table=self._table, deploy=deploy, done=done).first
        choice.when(_is_next("deploy"), first)
        choice.otherwise(done)
        return choice

    def _mark_queued(self) -> tasks.DynamoUpdateItem:
        # The build may have to wait: the task becomes `building` when the builder takes it (builder.task).
        return self._update(
            "MarkQueued",
            "SET #queued = :now",
            (TaskStatus.PENDING,),
            names={"#queued": RowField.QUEUED_AT},
            values={},
            outputs="{% $states.input %}",
            comment="Note since when the build waits for its turn, unless the task has ended already",
        )

    def _build(self, project: codebuild.IProject, settings: Builds) -> sfn.TaskStateBase:
        build = tasks.CodeBuildStartBuild.jsonata(
            self,
            "BuildAndPush",
            comment="Check, build and push in CodeBuild; the build's own log has the steps",
            project=project,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            environment_variables_override={
                "WORKSPACE_ID": codebuild.BuildEnvironmentVariable(value=TASK["workspace_id"]),
                "TASK_ID": codebuild.BuildEnvironmentVariable(value=TASK["task_id"]),
            },
            outputs=_BUILT,
            task_timeout=sfn.Timeout.duration(build_time(settings)),
        )
        retry_start_build(build, tries_for_a_place=_start_tries(settings))
        return build

    def _record(
        self, name: str, recorder: lambda_.IFunction, more: Mapping[str, str], *, comment: str
    ) -> tasks.LambdaInvoke:
        state = self._recorder(name, recorder, more, comment=comment)
        state.add_catch(self._mark_failed, errors=["States.ALL"])
        return state

    def _recorder(
        self, name: str, recorder: lambda_.IFunction, more: Mapping[str, str | bool], *, comment: str
    ) -> tasks.LambdaInvoke:
        state = tasks.LambdaInvoke.jsonata(
            self,
            name,
            comment=comment,
            lambda_function=recorder,
            payload=sfn.TaskInput.from_object({**TASK, **more}),
            outputs="{% $states.result.Payload %}",
            task_timeout=sfn.Timeout.duration(_RECORD),
            retry_on_service_exceptions=False,
        )
        retry_repeatable_function(state)
        state.next(self._ends)
        return state

    def _mark_failed_state(self) -> tasks.DynamoUpdateItem:
        """End a task when the function that should do so is broken: this state needs DynamoDB alone."""
        running = tuple(status for status in TaskStatus if status not in ENDED)
        state = self._update(
            "MarkFailed",
            "SET #status = :failed, #error = :error, #updated = :now REMOVE #credentials, #upload, #token",
            running,
            names={
                "#updated": RowField.UPDATED_AT,
                "#error": RowField.ERROR,
                "#credentials": RowField.REGISTRY_CREDENTIALS,
                "#upload": RowField.UPLOAD_EXPIRES_AT,
                "#token": RowField.SLOT_TOKEN,
            },
            values={":failed": TaskStatus.FAILED.value, ":error": _UNRECORDED},
            outputs={"status": TaskStatus.FAILED.value, "error": _UNRECORDED},
            comment="The function that ends tasks is broken: end the task without it",
        )
        state.add_catch(self._failed, errors=["States.ALL"], outputs={"error": _UNRECORDED})
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
        outputs: str | dict[str, str],
        comment: str,
    ) -> tasks.DynamoUpdateItem:
        values = {**values, ":now": "{% $now() %}", **{f":was_{status}": status.value for status in allowed}}
        text = tasks.DynamoAttributeValue.from_string
        names = {"#status": RowField.STATUS, **names}
        state = tasks.DynamoUpdateItem.jsonata(
            self,
            name,
            comment=comment,
            table=self._table,
            key=row_key(),
            update_expression=expression,
            condition_expression="#status IN (" + ", ".join(f":was_{status}" for status in allowed) + ")",
            expression_attribute_names={short: field.value for short, field in names.items()},
            expression_attribute_values={short: text(value) for short, value in values.items()},
            outputs=outputs,
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(state)
        return state
