"""The storage of the service: code bucket, task table, keys for registry passwords and signatures, image repository."""

from typing import Final, TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.contracts.names import DEPLOYED_TAG
from functions.contracts.task import UNSETTLED_INDEX, RowField
from functions.signing.formats import TAG_PREFIX
from functions.tasks.table_keys import WAITING, item_key
from infra.nag import accept, wildcard
from infra.settings import Storage as StorageSettings

Grantee: TypeAlias = lambda_.Function | codebuild.Project

REMOVAL: Final = {"dev": cdk.RemovalPolicy.DESTROY, "prod": cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE}
"""Removal policy by stage. prod keeps its state when the stack is deleted, but not when the stack's creation fails:
what is left would make the next try fail."""


class Storage(Construct):
    """The state of the service. It is kept when the stack is deleted, unless the stage is ``dev``."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StorageSettings, stage: str) -> None:
        super().__init__(scope, construct_id)
        removal = REMOVAL[stage]
        self.settings = settings
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(90))],
            removal_policy=removal,
        )
        self.code_bucket = s3.Bucket(
            self,
            "Code",
            bucket_name=settings.code_bucket_name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix="code/",
            lifecycle_rules=[
                _expire("uploads/", settings.upload_retention_days),
                # Copied to build-sources/ when it arrives.
                _expire("uploads-staged/", 1),
                _expire("build-sources/", settings.artifact_retention_days),
                _expire("build-artifacts/", settings.artifact_retention_days),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1)),
            ],
            removal_policy=removal,
        )
        _send_events(self.code_bucket)
        self.task_table = dynamodb.Table(
            self,
            "Tasks",
            partition_key=dynamodb.Attribute(name="workspace_id", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="task_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal,
        )
        self.task_table.add_global_secondary_index(
            index_name=UNSETTLED_INDEX,
            partition_key=dynamodb.Attribute(name=RowField.UNSETTLED.value, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=RowField.TASK_ID.value, type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.credentials_key = kms.Key(
            self,
            "CredentialsKey",
            description="Blue FaaS: encrypts registry passwords between the request and the push",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        # It signs; that nobody can read it, and that one function alone may have it sign, is what signatures are worth.
        self.signing_key = kms.Key(
            self,
            "SigningKey",
            description="Blue FaaS: signs the images that builds push",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=removal,
        )
        self.repository = ecr.Repository(
            self,
            "Images",
            repository_name=settings.repository_name,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.AES_256,
            empty_on_delete=stage == "dev",
            lifecycle_rules=_image_rules(settings.image_retention_days),
            removal_policy=removal,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment variables that name the table of the tasks and the bucket."""
        return {"TASK_TABLE": self.task_table.table_name, "CODE_BUCKET": self.code_bucket.bucket_name}

    def grant_ends(self, function: lambda_.Function) -> None:
        """Grant what it takes to end tasks by what their builders reported (`functions.tasks.outcome`)."""
        self.grant_task_access(function, "dynamodb:GetItem", "dynamodb:UpdateItem")
        self.grant_objects(function, "build-artifacts/*/result.json", "s3:GetObject")

    def grant_task_access(self, grantee: iam.IGrantable, *actions: str) -> None:
        """Grant exactly ``actions`` (``dynamodb:...``) on the table, without its indexes."""
        iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self.task_table.table_arn])

    def grant_open_tasks(self, grantee: iam.IGrantable) -> None:
        """Grant reading which tasks are open, of all workspaces."""
        index = f"{self.task_table.table_arn}/index/{UNSETTLED_INDEX}"
        iam.Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[index])

    def grant_counting_of_callers(self, grantee: iam.IGrantable) -> None:
        """Grant writing the items that count callers who wait (`functions.tasks.waiting`), and no task's row."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:UpdateItem"],
            resource_arns=[self.task_table.table_arn],
            conditions={
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [item_key("", WAITING, "")["workspace_id"]]},
                # The condition above holds for a request without keys, too.
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        )

    def grant_objects(self, grantee: Grantee, prefix: str, *actions: str) -> None:
        """Grant exactly ``actions`` (``s3:...``) on the code bucket's objects that match ``prefix``."""
        objects = self.code_bucket.arn_for_objects(prefix)
        iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[objects])
        accept(grantee, "Keys have workspace and task in them.", wildcard(self, objects))

    def grant_listing(self, grantee: iam.IGrantable, action: str, *prefixes: str) -> None:
        """Grant listing the code bucket below ``prefixes``; ``action`` lists keys or versions."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=[action],
            resource_arns=[self.code_bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": list(prefixes)}},
        )


def _image_rules(days: int | None) -> list[ecr.LifecycleRule] | None:
    """Remove images that were never deployed and whose task is no longer kept.

    Later rules do not consider an image that matches a rule. The first rule keeps every image with the tag that the
    deploy function sets, the second what is about an image by its digest: signatures and attestations are as old as
    their image, and their tags never say that it was deployed. They go when their image goes: ECR removes what has an
    image as its subject within 24 hours of the image's removal
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html).
    """
    if days is None:
        return None
    return [
        ecr.LifecycleRule(
            rule_priority=1,
            description="Deployed images stay",
            tag_status=ecr.TagStatus.TAGGED,
            tag_pattern_list=[f"{DEPLOYED_TAG}*"],
            max_image_count=100_000,
        ),
        ecr.LifecycleRule(
            rule_priority=2,
            description="Signatures and attestations go with their image",
            tag_status=ecr.TagStatus.TAGGED,
            tag_pattern_list=[f"{TAG_PREFIX}*"],
            max_image_count=100_000,
        ),
        ecr.LifecycleRule(
            rule_priority=3,
            description="Others go when no task is kept of them",
            tag_status=ecr.TagStatus.ANY,
            max_image_age=cdk.Duration.days(days),
        ),
    ]


def _send_events(bucket: s3.Bucket) -> None:
    # CloudFormation can switch EventBridge on; CDK's `event_bridge_enabled` would add another Lambda function.
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101  # narrows the type; the L2 always has this child
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        prefix=prefix,
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=cdk.Duration.days(7),
    )
