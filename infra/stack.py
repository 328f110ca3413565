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
            "ApiUrl": api.http_api.api_endpoint,
            "ApiId": api.http_api.api_id,
            "CodeBucket": storage.code_bucket.bucket_name,
            "TaskTable": storage.task_table.table_name,
            "PolicyTable": tenancy.table.table_name,
            "ImageRepository": storage.repository.repository_uri,
            "StateMachineArn": state_machine_arn,
            "BuildProject": builder.project.project_name,
            "AlarmTopicArn": alarms.topic.topic_arn,
            "EventBusName": task_events.bus.event_bus_name,
            "BuildLogGroup": builder.log_group.log_group_name,
            "ApiLogGroup": api.log_group.log_group_name,
            "IngestFunction": ingest.function.function_name,
            "IngestUndelivered": ingest.undelivered.queue_url,
            "CloseTaskFunction": pipeline.closer.function_name,
            "CloseTaskUndelivered": pipeline.undelivered.queue_url,
            "ReconcileFunction": reconciler.function.function_name,
            "ReconcileUndelivered": reconciler.undelivered.queue_url,
        }
        if deployer is not None:
            outputs["DeployRoleArn"] = deployer.role.role_arn
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
