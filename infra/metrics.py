"""The metrics that alarms and the dashboard have in common: the service's own, and those CDK has no method for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.tasks.task_metrics import SERVICE
from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.lambda_function import ServiceFunction
from infra.storage import Storage
from infra.undelivered import UndeliveredQueue

FIVE_MINUTES: Final = cdk.Duration.minutes(5)


@dataclass(frozen=True)
class Watched:
    """The constructs whose metrics are looked at."""

    storage: Storage
    builder: Builder
    pipeline: BuildPipeline
    api: Api


def functions_of(scope: Construct) -> Sequence[ServiceFunction]:
    """Every Lambda function of the stack."""
    return [found for found in cdk.Stack.of(scope).node.find_all() if isinstance(found, ServiceFunction)]


def queues_of(scope: Construct) -> Sequence[UndeliveredQueue]:
    """Every dead-letter queue of the stack."""
    return [found for found in cdk.Stack.of(scope).node.find_all() if isinstance(found, UndeliveredQueue)]


def namespace(scope: Construct) -> str:
    """Namespace of the service's own metrics: one a stack."""
    return cdk.Stack.of(scope).stack_name


def ended(name: str, scope: Construct, period: cdk.Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """A counter of `functions.tasks.task_metrics`."""
    return cloudwatch.Metric(
        namespace=namespace(scope),
        metric_name=name,
        dimensions_map={"service": SERVICE},
        statistic="Sum",
        period=period,
    )


def reconciler(
    name: str, scope: Construct, statistic: str = "Maximum", period: cdk.Duration = FIVE_MINUTES
) -> cloudwatch.Metric:
    """A finding of `functions.handlers.reconcile`."""
    return cloudwatch.Metric(
        namespace=namespace(scope),
        metric_name=name,
        dimensions_map={"service": "reconcile"},
        statistic=statistic,
        period=period,
    )


def codebuild(name: str, builder: Builder, statistic: str) -> cloudwatch.Metric:
    """A metric of the build project (CodeBuild guide, "CloudWatch metrics"); durations are in seconds."""
    return cloudwatch.Metric(
        namespace="AWS/CodeBuild",
        metric_name=name,
        dimensions_map={"ProjectName": builder.project.project_name},
        statistic=statistic,
        period=FIVE_MINUTES,
    )


def latency(api: Api, route: str) -> cloudwatch.Metric:
    """Milliseconds to answer one route of `Api.measured_routes`."""
    method, path = route.split(" ")
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name="Latency",
        dimensions_map={
            "ApiId": api.http_api.api_id,
            "Stage": api.stage.stage_name,
            "Method": method,
            "Resource": path,
        },
        statistic="p95",
        period=FIVE_MINUTES,
    )
