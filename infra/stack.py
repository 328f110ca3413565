"""The one stack: wires the constructs in the order in which a request flows. Nothing is decided here."""

import aws_cdk as cdk
from constructs import Construct

from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.deployer import Deployer
from infra.ingest import Ingest
from infra.settings import Settings
from infra.storage import Storage


class BlueFaasStack(cdk.Stack):
    """Upload → type check → Spin build → OCI push → SpinApp on Kubernetes."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Blue FaaS: a Python file in, a running function out")
        storage = Storage(self, "Storage", settings=settings.storage)
        builder = Builder(self, "Builder", storage=storage, settings=settings.builds)
        pipeline = BuildPipeline(self, "BuildPipeline", storage=storage, builder=builder, settings=settings.builds)
        state_machine_arn = pipeline.state_machine.state_machine_arn
        Ingest(self, "Ingest", settings=settings, storage=storage, state_machine_arn=state_machine_arn)
        deployer = Deployer(self, "Deployer", settings=settings)
        api = Api(
            self,
            "Api",
            settings=settings,
            storage=storage,
            state_machine_arn=state_machine_arn,
            deploy=deployer.function,
        )
        outputs = {
            "ApiUrl": api.http_api.api_endpoint,
            "ApiId": api.http_api.api_id,
            "CodeBucket": storage.code_bucket.bucket_name,
            "TaskTable": storage.task_table.table_name,
            "ImageRepository": storage.repository.repository_uri,
            "StateMachineArn": state_machine_arn,
            "BuildProject": builder.project.project_name,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
