"""The service as one construct: it connects its parts in the order of a request's way, and decides nothing."""

import json
from pathlib import Path
from typing import Final, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import resource_names
from infra.alarms import Alarms
from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.concurrency import reserve
from infra.dashboard import Dashboard
from infra.deployer import Deployer
from infra.events import TaskEvents
from infra.function_dashboards import FunctionDashboards
from infra.ingest import Ingest
from infra.lambda_function import ServiceFunction
from infra.metrics import Watched, functions_of
from infra.reconciler import Reconciler
from infra.settings import CDK_JSON, Settings
from infra.storage import Storage
from infra.tenancy import Tenancy

_FLAGS: Final = "@aws-cdk/"
"""Beginning of the names of the CDK's feature flags."""


class Output(NamedTuple):
    """A value that operators need, as a stack's output has it."""

    value: str
    description: str


class BlueFaas(Construct):
    """Upload → type check → Spin build → OCI push → SpinApp on Kubernetes.

    One to a stack: functions, state machine, event bus, alarms and dashboard are named after the stack. Removal and
    protection of what it keeps are up to ``settings.stage``; tags and termination protection are the stack's.

    The CDK's feature flags are set for this construct as it was tested with them, whatever the app has.

    Parameters
    ----------
    settings
        As `Settings.of` reads them from the app's context, or `Settings.from_file` from what is shipped.

    Raises
    ------
    ValueError
        The stack cannot name what is in it, or has another of these.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        _check_stack(self)
        for flag, value in _feature_flags(CDK_JSON).items():
            self.node.set_context(flag, value)
        storage = Storage(self, "Storage", settings=settings.storage, stage=settings.stage)
        builder = Builder(self, "Builder", storage=storage, settings=settings.builds, limits=settings.limits)
        tenancy = Tenancy(self, "Tenancy", settings=settings)
        deployer = (
            Deployer(
                self, "Deployer", settings=settings, kubernetes=settings.kubernetes, storage=storage, tenancy=tenancy
            )
            if settings.kubernetes is not None
            else None
        )
        deploy = deployer.live if deployer is not None else None
        pipeline = BuildPipeline(
            self,
            "BuildPipeline",
            storage=storage,
            builder=builder,
            deploy=deploy,
            settings=settings,
        )
        state_machine_arn = pipeline.state_machine.state_machine_arn
        ingest = Ingest(
            self, "Ingest", settings=settings, storage=storage, tenancy=tenancy, state_machine_arn=state_machine_arn
        )
        api = Api(
            self,
            "Api",
            settings=settings,
            storage=storage,
            tenancy=tenancy,
            pipeline=pipeline,
            build_logs=builder.log_group,
            deploy=deploy,
        )
        reconciler = Reconciler(self, "Reconciler", settings=settings, storage=storage, pipeline=pipeline)
        task_events = TaskEvents(self, "Events", storage=storage)
        task_events.grant_announce(api.builds, ingest.function, pipeline.recorder, pipeline.closer, reconciler.function)
        # These search the whole stack for functions and queues, so they come last.
        reserve(self, settings.concurrency)
        watched = Watched(storage, tenancy, builder, pipeline, api)
        alarms = Alarms(self, "Alarms", settings=settings, watched=watched)
        Dashboard(self, "Dashboard", alarms=alarms, watched=watched)
        if settings.kubernetes is not None:
            FunctionDashboards(self, "FunctionDashboards", kubernetes=settings.kubernetes)

        self.http_api = api.http_api
        self.api_url = api.http_api.api_endpoint
        """Address of the API, without a slash at its end."""
        self.code_bucket = storage.code_bucket
        self.task_table = storage.task_table
        self.policy_table = tenancy.table
        self.repository = storage.repository
        """The stack's own image repository."""
        self.signing_key = storage.signing_key
        self.state_machine = pipeline.state_machine
        self.event_bus = task_events.bus
        """Where the end of every task is announced."""
        self.alarm_topic = alarms.topic
        self.deploy_role = deployer.role if deployer is not None else None
        """Role of the deploy function, for the cluster; None where there is no cluster."""
        self.outputs = {
            "ApiUrl": Output(self.api_url, "Address of the API; /docs describes it"),
            "ApiId": Output(api.http_api.api_id, "Id of the HTTP API"),
            "CodeBucket": Output(
                storage.code_bucket.bucket_name, "Bucket of sources and components; uploads/ takes sources"
            ),
            "TaskTable": Output(storage.task_table.table_name, "Table of the tasks"),
            "PolicyTable": Output(tenancy.table.table_name, "Table of the workspaces"),
            "ImageRepository": Output(
                storage.repository.repository_uri, "ECR repository of builds that name no registry"
            ),
            "SigningKeyArn": Output(
                storage.signing_key.key_arn, "KMS key that signs images; its public key verifies them"
            ),
            "StateMachineArn": Output(
                state_machine_arn, "State machine of the builds; an execution is named after its task"
            ),
            "BuildProject": Output(builder.project.project_name, "CodeBuild project of the builds"),
            "AlarmTopicArn": Output(alarms.topic.topic_arn, "SNS topic of all alarms: subscribe to it"),
            "EventBusName": Output(
                task_events.bus.event_bus_name, "Event bus on which the end of every task is announced"
            ),
            "BuildLogGroup": Output(builder.log_group.log_group_name, "Log group of the builds"),
            "ApiLogGroup": Output(api.log_group.log_group_name, "Log group of the API's requests"),
            "IngestFunction": Output(
                ingest.function.function_name, "Function that takes in what is uploaded to the bucket"
            ),
            "IngestUndelivered": Output(ingest.undelivered.queue_url, "Queue of uploads that could not be taken in"),
            "CloseTaskFunction": Output(
                pipeline.closer.function_name, "Function that ends the task of an execution that failed"
            ),
            "CloseTaskUndelivered": Output(pipeline.undelivered.queue_url, "Queue of ends that could not be recorded"),
            "ReconcileFunction": Output(
                reconciler.function.function_name, "Function that ends tasks that nothing else would end"
            ),
            "ReconcileUndelivered": Output(reconciler.undelivered.queue_url, "Queue of its runs that failed"),
        }
        """By name what README.md, docs/operations.md and docs/cluster.md refer to."""
        if deployer is not None:
            self.outputs["DeployRoleArn"] = Output(
                deployer.role.role_arn, "Role of the deploy function, for the cluster's access entry"
            )

    def function(self, module: str) -> ServiceFunction:
        """Return the Lambda function whose handler is the module of this name in ``functions/handlers/``.

        Raises
        ------
        ValueError
            There is none.
        """
        functions = {function.module: function for function in functions_of(self)}
        if module not in functions:
            raise ValueError(f"no function has the handler {module!r}; there are {', '.join(sorted(functions))}")
        return functions[module]

    def export(self) -> None:
        """Make `outputs` outputs of the stack."""
        for name, (value, description) in self.outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)

    def grant_calls(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a role call the API under the authorizer ``iam``; what it may do there, its workspace says."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:Invoke"],
            resource_arns=[self.http_api.arn_for_execute_api(path="/api/v1/*")],
        )


def _feature_flags(cdk_json: Path) -> dict[str, object]:
    context: dict[str, object] = json.loads(cdk_json.read_text("utf-8"))["context"]
    return {name: value for name, value in context.items() if name.startswith(_FLAGS)}


def _check_stack(construct: BlueFaas) -> None:
    stack = cdk.Stack.of(construct)
    if cdk.Token.is_unresolved(stack.stack_name):
        raise ValueError(
            f"{construct.node.path} is in a nested stack, whose name AWS makes up; its functions are named after the "
            "stack: put it into a stack of its own"
        )
    if len(stack.stack_name) > resource_names.LONGEST_STACK_NAME:
        raise ValueError(
            f"the stack of {construct.node.path} is named {stack.stack_name!r}: the names of its functions begin with "
            f"that, so it has {resource_names.LONGEST_STACK_NAME} characters at most"
        )
    others = [found for found in stack.node.find_all() if isinstance(found, BlueFaas) and found is not construct]
    if others:
        raise ValueError(
            f"{construct.node.path} would have the names of {others[0].node.path}: give each a stack of its own"
        )
