"""A dashboard for each namespace whose functions are measured: all of its apps, found by what the collector sends.

Searches find apps that are deployed later, without a change here (CloudWatch user guide, "CloudWatch search expression
syntax"). A search finds what has had data within the last two weeks.
"""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.contracts.function_metrics import (
    CALLS,
    CLUSTER,
    COMPONENT_CPU_TIME,
    COMPONENT_MEMORY,
    DEPLOYMENT,
    DURATION,
    METRIC_NAMESPACE,
    NAMESPACE,
    SERVER_ERRORS,
    STATUS_CLASS,
)
from infra import resource_names
from infra.metrics import FIVE_MINUTES
from infra.settings import Kubernetes

_OF_APP: Final = (CLUSTER, NAMESPACE, DEPLOYMENT)


class FunctionDashboards(Construct):
    """One dashboard for each of ``kubernetes.dashboards``, named after the stack and the namespace."""

    def __init__(self, scope: Construct, construct_id: str, *, kubernetes: Kubernetes) -> None:
        super().__init__(scope, construct_id)
        for namespace in dict.fromkeys(kubernetes.dashboards):
            dashboard = cloudwatch.Dashboard(
                self,
                namespace,
                dashboard_name=resource_names.dashboard(cdk.Stack.of(self).stack_name, namespace),
                default_interval=cdk.Duration.hours(6),
            )
            place = {CLUSTER: kubernetes.cluster_name, NAMESPACE: namespace}
            dashboard.add_widgets(
                _graph("Requests", search(DURATION, "SampleCount", place)),
                _graph("Errors (5xx)", search(CALLS, "Sum", {**place, STATUS_CLASS: SERVER_ERRORS})),
            )
            dashboard.add_widgets(
                _graph("Latency (p50, ms)", search(DURATION, "p50", place)),
                _graph("Latency (p99, ms)", search(DURATION, "p99", place)),
            )
            dashboard.add_widgets(
                _graph("CPU time of a request (seconds)", search(COMPONENT_CPU_TIME, "Average", place)),
                _graph("Memory of a request (bytes)", search(COMPONENT_MEMORY, "Average", place)),
            )


def search(name: str, statistic: str, where: dict[str, str]) -> str:
    """Return the search for a statistic of every app's metric of this name, where dimensions have these values."""
    schema = ",".join(f'"{part}"' for part in (METRIC_NAMESPACE, *dict.fromkeys((*_OF_APP, *where))))
    wanted = " ".join(f'"{dimension}"="{value}"' for dimension, value in where.items())
    period = FIVE_MINUTES.to_seconds()
    return f"SEARCH('{{{schema}}} MetricName=\"{name}\" {wanted}', '{statistic}', {period:.0f})"


def _graph(title: str, expression: str) -> cloudwatch.GraphWidget:
    label = f"${{PROP('Dim.{DEPLOYMENT}')}}"
    found = cloudwatch.MathExpression(expression=expression, using_metrics={}, label=label, period=FIVE_MINUTES)
    return cloudwatch.GraphWidget(title=title, left=[found], width=12, height=6)
