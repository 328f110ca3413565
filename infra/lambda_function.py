"""A Lambda function of ours: bundle, runtime, log group, tracing. What it may do is granted where it is used."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundles import Bundle

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class ServiceFunction(lambda_.Function):
    """One handler of ``functions/``.

    Parameters
    ----------
    module
        File in ``functions/`` without extension; its ``handler`` is the entry point.
    environment
        What the handler's typed environment reads.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        module: str,
        description: str,
        bundle: Bundle,
        environment: dict[str, str],
        timeout: cdk.Duration,
        memory_mb: int = 512,
        **options: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=f"functions.{module}.handler",
            code=lambda_.Code.from_asset(
                str(bundle.build()), asset_hash=bundle.digest(), asset_hash_type=cdk.AssetHashType.CUSTOM
            ),
            timeout=timeout,
            memory_size=memory_mb,
            environment={
                "POWERTOOLS_SERVICE_NAME": module.replace("_", "-"),
                "POWERTOOLS_METRICS_NAMESPACE": "BlueFaas",
                "POWERTOOLS_LOG_LEVEL": "INFO",
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
