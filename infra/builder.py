"""The CodeBuild project: builder image, buildspec and build role. Uploaded code runs only there."""

import aws_cdk as cdk
import yaml
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import assets
from infra.asset_types import DOCKERFILE
from infra.nag import accept, wildcard
from infra.settings import Builds, Limits
from infra.storage import Storage


class Builder(Construct):
    """The CodeBuild project, which builds one task: it gets WORKSPACE_ID and TASK_ID, and reads the task's row."""

    def __init__(
        self, scope: Construct, construct_id: str, *, storage: Storage, settings: Builds, limits: Limits
    ) -> None:
        super().__init__(scope, construct_id)
        context = assets.builder_image()
        image = ecr_assets.DockerImageAsset(
            self,
            "Image",
            directory=str(context),
            file=DOCKERFILE,
            platform=ecr_assets.Platform.LINUX_AMD64,
            exclude=["**/__pycache__"],  # pip compiles what it installs, the context of a wheel too
        )
        buildspec = yaml.safe_load((context / "builder_image" / "buildspec.yml").read_text("utf-8"))
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        fleet = None
        if settings.fleet is not None:
            fleet = codebuild.Fleet(
                self,
                "Fleet",
                base_capacity=settings.fleet.base_capacity,
                compute_type=codebuild.FleetComputeType[settings.compute],
                environment_type=codebuild.EnvironmentType.LINUX_CONTAINER,
                overflow_behavior=codebuild.FleetOverflowBehavior[settings.fleet.overflow],
            )
        self.project = codebuild.Project(
            self,
            "Project",
            description="Blue FaaS: type check, Spin build and OCI push of one task",
            build_spec=codebuild.BuildSpec.from_object(buildspec),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.from_ecr_repository(image.repository, image.asset_hash),
                compute_type=codebuild.ComputeType[settings.compute],
                fleet=fleet,
                # The default is Amazon Linux 2 with kernel 4.14, which lacks what the builder's sandbox needs.
                host_kernel=codebuild.HostKernel.LINUX_KERNEL_6,
                privileged=False,
                environment_variables={
                    "TASK_TABLE": codebuild.BuildEnvironmentVariable(value=storage.task_table.table_name),
                    "CODE_BUCKET": codebuild.BuildEnvironmentVariable(value=storage.code_bucket.bucket_name),
                    # The builder must accept what the API accepts.
                    "BLUE_FAAS_SOURCE_BYTES": codebuild.BuildEnvironmentVariable(value=str(limits.upload_bytes)),
                    "BLUE_FAAS_FAST_LANE": codebuild.BuildEnvironmentVariable(value=str(settings.fast_lane).lower()),
                },
            ),
            timeout=cdk.Duration.minutes(settings.timeout_minutes),
            queued_timeout=cdk.Duration.minutes(settings.queued_minutes),
            grant_report_group_permissions=False,
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=self.log_group)),
        )
        accept(self.project, "Asking ECR for a password knows no resource.", "AwsSolutions-IAM5[Resource::*]")
        accept(
            self.project,
            "Log streams of the project's own log group.",
            wildcard(
                self,
                cdk.Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=f"/aws/codebuild/{self.project.project_name}:*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                ),
            ),
        )
        accept(self.project, "There are no CodeBuild artifacts that a key could encrypt.", "AwsSolutions-CB4")
        accept(
            self.project,
            "The rule asks for an image that AWS maintains and cannot read a reference; the builder image is our own, "
            "with pinned tools.",
            "AwsSolutions-CB5",
        )
        storage.grant_task_access(self.project, "dynamodb:UpdateItem")
        storage.grant_objects(self.project, "build-sources/*", "s3:GetObject")
        storage.grant_objects(self.project, "build-artifacts/*", "s3:PutObject")
        storage.credentials_key.grant(self.project, "kms:Decrypt")
        storage.repository.grant_push(self.project)
        storage.repository.grant(
            self.project, "ecr:DescribeImages"
        )  # to read the digest of a tag that may not be overwritten
