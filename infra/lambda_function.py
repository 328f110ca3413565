"""The Lambda functions of the service: bundle, runtime, log group, tracing. Their rights are granted elsewhere."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import assets, resource_names
from infra.nag import accept

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class ServiceFunction(lambda_.Function):
    """A Lambda function for one handler of ``functions/handlers/``.

    Parameters
    ----------
    module
        File in ``functions/handlers/`` without extension; its ``handler`` is the entry point.
    environment
        Environment variables that the handler reads.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        module: str,
        description: str,
        environment: dict[str, str],
        timeout: cdk.Duration,
        memory_mb: int = 512,
        **options: Any,
    ) -> None:
        code = assets.lambda_code(module)
        super().__init__(
            scope,
            construct_id,
            function_name=resource_names.function(cdk.Stack.of(scope).stack_name, module),
            description=description,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=f"functions.handlers.{module}.handler",
            code=lambda_.Code.from_asset(
                str(code.path), asset_hash=code.digest, asset_hash_type=cdk.AssetHashType.CUSTOM
            ),
            timeout=timeout,
            memory_size=memory_mb,
            environment={
                "POWERTOOLS_SERVICE_NAME": module.replace("_", "-"),
                "POWERTOOLS_METRICS_NAMESPACE": cdk.Stack.of(scope).stack_name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                # boto3's standard mode: exponential backoff with jitter, up to 15 s in all, for throttling and
                # transient errors. After that the caller's own retries go on (Step Functions, Lambda, EventBridge).
                "AWS_RETRY_MODE": "standard",
                "AWS_MAX_ATTEMPTS": "5",
                **environment,
            },
            tracing=lambda_.Tracing.ACTIVE,
            logging_format=lambda_.LoggingFormat.JSON,
            log_group=logs.LogGroup(
                scope,
                f"{construct_id}Logs",
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            ),
            **options,
        )
        self.module = module
        accept(
            self,
            "Lambda's own managed policy: to write logs, and nothing else.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
        )
        accept(self, "X-Ray's actions know no resources.", "AwsSolutions-IAM5[Resource::*]")
        accept(
            self,
            "The runtime changes with the pinned wheels of the bundles (infra/tools/bundles.py), not by itself.",
            "AwsSolutions-L1",
            "Serverless-LambdaLatestVersion",
        )
        accept(
            self,
            "Who calls and waits gets the error; functions that events call have an on-failure destination "
            "(infra/undelivered.py), which the rule does not see.",
            "Serverless-LambdaDLQ",
        )
