"""Metrics that alarms and the dashboard share: the service's own, and those for which CDK has no method."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.tasks.metric_names import SERVICE
from infra.api import Api
from infra.build_pipeline import BuildPipeline
from infra.builder import Builder
from infra.lambda_function import ServiceFunction
from infra.storage import Storage
from infra.tenancy import Tenancy
from infra.undelivered import UndeliveredQueue

FIVE_MINUTES: Final = cdk.Duration.minutes(5)


@dataclass(frozen=True)
class Watched:
    """The constructs that alarms and the dashboard read metrics of."""

    storage: Storage
    tenancy: Tenancy
    builder: Builder
    pipeline: BuildPipeline
    api: Api


def functions_of(scope: Construct) -> Sequence[ServiceFunction]:
    """Return every Lambda function of the stack."""
    return [found for found in cdk.Stack.of(scope).node.find_all() if isinstance(found, ServiceFunction)]


def queues_of(scope: Construct) -> Sequence[UndeliveredQueue]:
    """Return every dead-letter queue of the stack."""
    return [found for found in cdk.Stack.of(scope).node.find_all() if isinstance(found, UndeliveredQueue)]


def namespace(scope: Construct) -> str:
    """Return the namespace of the service's own metrics: one per stack."""
    return cdk.Stack.of(scope).stack_name


def task_metric(name: str, scope: Construct, period: cdk.Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """Return a counter of `functions.tasks.task_metrics`."""
    return cloudwatch.Metric(
        namespace=namespace(scope),
        metric_name=name,
        dimensions_map={"service": SERVICE},
        statistic="Sum",
        period=period,
    )


def ingest_metric(name: str, scope: Construct, period: cdk.Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """Return a counter of `functions.handlers.ingest`."""
    return cloudwatch.Metric(
        namespace=namespace(scope),
        metric_name=name,
        dimensions_map={"service": "ingest"},
        statistic="Sum",
        period=period,
    )


def reconciler_metric(
    name: str, scope: Construct, statistic: str = "Maximum", period: cdk.Duration = FIVE_MINUTES
) -> cloudwatch.Metric:
    """Return a finding of `functions.handlers.reconcile`."""
    return cloudwatch.Metric(
        namespace=namespace(scope),
        metric_name=name,
        dimensions_map={"service": "reconcile"},
        statistic=statistic,
        period=period,
    )


def build_metric(name: str, builder: Builder, statistic: str) -> cloudwatch.Metric:
    """Return a metric of the build project (CodeBuild guide, "CloudWatch metrics"); durations are in seconds."""
    return cloudwatch.Metric(
        namespace="AWS/CodeBuild",
        metric_name=name,
        dimensions_map={"ProjectName": builder.project.project_name},
        statistic=statistic,
        period=FIVE_MINUTES,
    )


def route_latency(api: Api, route: str) -> cloudwatch.Metric:
    """Return the milliseconds that one route takes to answer, of `Api.measured_routes`."""
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
