"""The one stack: wires the constructs in the order in which a request flows. Nothing is decided here."""

import aws_cdk as cdk
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.dashboard import Dashboard
from infra.deployer import Deployer
from infra.events import TaskEvents
from infra.ingest import Ingest
from infra.measured import Watched
from infra.reconciler import Reconciler
from infra.settings import Settings
from infra.storage import Storage


class BlueFaasStack(cdk.Stack):
    """Upload → type check → Spin build → OCI push → SpinApp on Kubernetes."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Blue FaaS: a Python file in, a running function out")
        storage = Storage(self, "Storage", settings=settings.storage)
        builder = Builder(self, "Builder", storage=storage, settings=settings.builds, limits=settings.limits)
        deployer = Deployer(self, "Deployer", settings=settings, storage=storage)
        pipeline = BuildPipeline(
            self,
            "BuildPipeline",
            storage=storage,
            builder=builder,
            deploy=deployer.live,
            settings=settings.builds,
        )
        state_machine_arn = pipeline.state_machine.state_machine_arn
        ingest = Ingest(self, "Ingest", settings=settings, storage=storage, state_machine_arn=state_machine_arn)
        api = Api(
            self,
            "Api",
            settings=settings,
            storage=storage,
            pipeline=pipeline,
            build_logs=builder.log_group,
            deploy=deployer.live,
        )
        reconciler = Reconciler(self, "Reconciler", storage=storage, pipeline=pipeline)
        task_events = TaskEvents(self, "Events", storage=storage)
        task_events.let_announce(api.builds, ingest.function, pipeline.recorder, pipeline.closer, reconciler.function)
        # Both look for functions and queues in the whole stack: they come last.
        watched = Watched(storage, builder, pipeline, api)
        alarms = Alarms(self, "Alarms", settings=settings, watched=watched)
        Dashboard(self, "Dashboard", alarms=alarms, watched=watched)
        outputs = {
            "ApiUrl": api.http_api.api_endpoint,
            "ApiId": api.http_api.api_id,
            "CodeBucket": storage.code_bucket.bucket_name,
            "TaskTable": storage.task_table.table_name,
            "ImageRepository": storage.repository.repository_uri,
            "StateMachineArn": state_machine_arn,
            "BuildProject": builder.project.project_name,
            "AlarmTopicArn": alarms.topic.topic_arn,
            "EventBusName": task_events.bus.event_bus_name,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
