"""Builds of files that are uploaded to the bucket: S3 notifies EventBridge, which calls the ingest function."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from infra.lambda_function import ServiceFunction
from infra.settings import Settings
from infra.storage import Storage
from infra.submission import grant_submit, submission_environment
from infra.tenancy import Tenancy
from infra.undelivered import UndeliveredQueue


class Ingest(Construct):
    """Starts a build for each object version under ``uploads/``, and for presigned uploads that have arrived."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: Storage,
        tenancy: Tenancy,
        state_machine_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ServiceFunction(
            self,
            "Function",
            module="ingest",
            description="Starts the build of a source that was uploaded to S3",
            environment={**submission_environment(settings, storage, state_machine_arn), **tenancy.environment()},
            timeout=cdk.Duration.minutes(1),
        )
        grant_submit(self.function, storage, state_machine_arn)
        tenancy.grant_lookup(self.function)
        for prefix in ("uploads/*", "uploads-staged/*"):
            storage.grant_objects(self.function, prefix, "s3:GetObjectVersion")  # every read names a version
        self.undelivered = UndeliveredQueue(self, "Undelivered")
        self.undelivered.collect_failures(self.function)
        events.Rule(
            self,
            "Uploaded",
            description="Sources that were uploaded to S3",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [storage.code_bucket.bucket_name]},
                    "object": {"key": [{"prefix": "uploads/"}, {"prefix": "uploads-staged/"}]},
                },
            ),
            targets=[self.undelivered.target(self.function, retry_attempts=10)],
        )
