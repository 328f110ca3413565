"""The state machine of the builds, and its functions: one has builds wait for their turn, others end and sign them."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import build_states, resource_names
from infra.build_states import BuildStates
from infra.builder import Builder
from infra.lambda_function import ServiceFunction
from infra.log_groups import vended_log_group
from infra.nag import accept, wildcard
from infra.settings import Settings
from infra.storage import Storage
from infra.undelivered import UndeliveredQueue


class BuildPipeline(Construct):
    """``state_machine`` runs one task; an execution has its task's id as its name.

    An event rule closes the task of an execution that failed, timed out or was aborted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        builder: Builder,
        deploy: lambda_.IFunction | None,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        slots = settings.variables("builds.concurrency")
        self.recorder = self._function(
            "RecordResult", "record_result", "Ends a task by what the builder reported", storage, slots
        )
        self.closer = self._function(
            "CloseTask",
            "close_task",
            "Ends the task of an execution that failed, timed out or was aborted",
            storage,
            slots,
        )
        self.waiter = self._waiter(storage, slots)
        self.signer = self._signer(storage)
        states = BuildStates(
            self,
            "States",
            table=storage.task_table,
            project=builder.project,
            recorder=self.recorder,
            waiter=self.waiter,
            signer=self.signer,
            deploy=deploy,
            settings=settings.builds,
        )
        self.longest = build_states.longest(settings.builds)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=resource_names.state_machine(cdk.Stack.of(self).stack_name),
            comment="Blue FaaS: one execution is one build task; its name is the task id",
            definition_body=sfn.DefinitionBody.from_chainable(states.first),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=self.longest,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    log_group_name=vended_log_group(self, "builds"),
                    retention=logs.RetentionDays.THREE_MONTHS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )
        for function in (self.recorder, self.waiter, self.signer):
            versions = wildcard(self, f"{function.function_arn}:*")
            accept(self.state_machine, "Versions of a function that it calls.", versions)
        accept(
            self.state_machine,
            "Delivery of an execution's log and X-Ray are set up by actions that know no resources.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        self.undelivered = UndeliveredQueue(self, "UndeliveredEnds")
        self.undelivered.collect_failures(self.closer)
        self._rule_for_failed_executions()

    def grant_executions(self, function: lambda_.Function, *actions: str) -> None:
        """Grant exactly ``actions`` (``states:...``) on the state machine's executions."""
        executions = cdk.Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine.state_machine_name}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[executions]))
        accept(function, "Executions of the one state machine, one a task.", wildcard(self, executions))

    def _function(
        self, construct_id: str, module: str, description: str, storage: Storage, slots: dict[str, str]
    ) -> ServiceFunction:
        function = ServiceFunction(
            self,
            construct_id,
            module=module,
            description=description,
            environment={**storage.environment(), **slots},
            timeout=cdk.Duration.seconds(30),
        )
        storage.grant_ends(function)
        grant_handing_on(function, storage)
        return function

    def _waiter(self, storage: Storage, slots: dict[str, str]) -> ServiceFunction:
        function = ServiceFunction(
            self,
            "WaitForSlot",
            module="wait_for_slot",
            description="Has a build wait for its turn",
            environment={"TASK_TABLE": storage.task_table.table_name, **slots},
            timeout=cdk.Duration.seconds(30),
        )
        storage.grant_task_access(function, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        grant_handing_on(function, storage)
        return function

    def _signer(self, storage: Storage) -> ServiceFunction:
        """Make the one function that may have the key sign. It runs no code of uploaders; no build can call it."""
        function = ServiceFunction(
            self,
            "SignImage",
            module="sign_image",
            description="Signs the image of a task that is done",
            environment={
                **storage.environment(),
                "DEFAULT_IMAGE_REPOSITORY": storage.repository.repository_uri,
                "SIGNING_KEY_ARN": storage.signing_key.key_arn,
            },
            timeout=cdk.Duration.seconds(30),
        )
        storage.grant_task_access(function, "dynamodb:GetItem")
        for document in ("provenance.intoto.json", "sbom.cdx.json"):
            storage.grant_objects(function, f"build-artifacts/*/{document}", "s3:GetObject")
        storage.signing_key.grant(function, "kms:Sign")
        storage.repository.grant(
            function,
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        )
        return function

    def _rule_for_failed_executions(self) -> None:
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
            targets=[self.undelivered.target(self.closer, retry_attempts=10)],
        )


def grant_handing_on(function: lambda_.Function, storage: Storage) -> None:
    """Grant giving free build slots to those that wait (`functions.tasks.admission`), to whom may read and write rows.

    SendTaskSuccess has no resource to be granted on: the token says which execution goes on, and nobody can guess one.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    """
    storage.grant_task_access(function, "dynamodb:DeleteItem", "dynamodb:Query")
    function.add_to_role_policy(iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=["*"]))
