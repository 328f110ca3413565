"""The stack: it connects the constructs in the order of a request's way, and decides nothing."""

import aws_cdk as cdk
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.concurrency import reserve
from infra.dashboard import Dashboard
from infra.deployer import Deployer
from infra.events import TaskEvents
from infra.ingest import Ingest
from infra.metrics import Watched
from infra.reconciler import Reconciler
from infra.settings import Settings
from infra.storage import Storage
from infra.tenancy import Tenancy


class BlueFaasStack(cdk.Stack):
    """Upload → type check → Spin build → OCI push → SpinApp on Kubernetes."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Blue FaaS: a Python file in, a running function out",
            termination_protection=settings.termination_protection,
            tags={"service": "blue-faas", "stage": settings.stage, **settings.tags},
        )
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
            settings=settings.builds,
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
        reconciler = Reconciler(self, "Reconciler", storage=storage, pipeline=pipeline)
        task_events = TaskEvents(self, "Events", storage=storage)
        task_events.grant_announce(api.builds, ingest.function, pipeline.recorder, pipeline.closer, reconciler.function)
        # These search the whole stack for functions and queues, so they come last.
        reserve(self, settings.concurrency)
        watched = Watched(storage, tenancy, builder, pipeline, api)
        alarms = Alarms(self, "Alarms", settings=settings, watched=watched)
        Dashboard(self, "Dashboard", alarms=alarms, watched=watched)
        # Outputs to which README.md, docs/operations.md and docs/cluster.md refer.
        outputs = {
            "ApiUrl": (api.http_api.api_endpoint, "Address of the API; /docs describes it"),
            "ApiId": (api.http_api.api_id, "Id of the HTTP API"),
            "CodeBucket": (storage.code_bucket.bucket_name, "Bucket of sources and components; uploads/ takes sources"),
            "TaskTable": (storage.task_table.table_name, "Table of the tasks"),
            "PolicyTable": (tenancy.table.table_name, "Table of the workspaces"),
            "ImageRepository": (storage.repository.repository_uri, "ECR repository of builds that name no registry"),
            "SigningKeyArn": (storage.signing_key.key_arn, "KMS key that signs images; its public key verifies them"),
            "StateMachineArn": (state_machine_arn, "State machine of the builds; an execution is named after its task"),
            "BuildProject": (builder.project.project_name, "CodeBuild project of the builds"),
            "AlarmTopicArn": (alarms.topic.topic_arn, "SNS topic of all alarms: subscribe to it"),
            "EventBusName": (task_events.bus.event_bus_name, "Event bus on which the end of every task is announced"),
            "BuildLogGroup": (builder.log_group.log_group_name, "Log group of the builds"),
            "ApiLogGroup": (api.log_group.log_group_name, "Log group of the API's requests"),
            "IngestFunction": (ingest.function.function_name, "Function that takes in what is uploaded to the bucket"),
            "IngestUndelivered": (ingest.undelivered.queue_url, "Queue of uploads that could not be taken in"),
            "CloseTaskFunction": (
                pipeline.closer.function_name,
                "Function that ends the task of an execution that failed",
            ),
            "CloseTaskUndelivered": (pipeline.undelivered.queue_url, "Queue of ends that could not be recorded"),
            "ReconcileFunction": (
                reconciler.function.function_name,
                "Function that ends tasks that nothing else would end",
            ),
            "ReconcileUndelivered": (reconciler.undelivered.queue_url, "Queue of its runs that failed"),
        }
        if deployer is not None:
            outputs["DeployRoleArn"] = (
                deployer.role.role_arn,
                "Role of the deploy function, for the cluster's access entry",
            )
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)
