"""The dashboard: alarms, progress of builds, time by step, errors and throttling."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.tasks.metric_names import SERVICE
from infra import metrics, resource_names
from infra.alarms import Alarms
from infra.metrics import Watched


class Dashboard(Construct):
    """One dashboard, named after the stack."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Alarms,
        watched: Watched,
    ) -> None:
        super().__init__(scope, construct_id)
        state_machine, api, table = watched.pipeline.state_machine, watched.api.http_api, watched.storage.task_table
        dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=resource_names.dashboard(cdk.Stack.of(self).stack_name),
            default_interval=cdk.Duration.hours(6),
        )
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.alarms, width=24, height=5))
        dashboard.add_widgets(
            _graph(
                "Tasks ended",
                [
                    metrics.task_metric(name, self)
                    for name in ("TaskDone", "TaskReused", "TaskFailed", "TaskFailedUnexpectedly")
                ],
            ),
            _graph(
                "Uploads that are not built",
                [metrics.ingest_metric(name, self) for name in ("UploadRefused", "UploadWithoutTask")],
            ),
            _graph("Tasks not ended", [metrics.reconciler_metric(name, self) for name in ("OpenTasks", "StuckTasks")]),
            _graph(
                "Reconciled",
                [
                    metrics.reconciler_metric(name, self, statistic="Sum")
                    for name in ("ReconciledStarted", "ReconciledEnded", "ReconciledAnnounced", "ReconcileFailures")
                ],
            ),
        )
        dashboard.add_widgets(
            _graph("Build time by step (p90, seconds)", [_build_steps(self)]),
            _graph(
                "Build slots and CodeBuild (p90, seconds)",
                [
                    metrics.task_metric("SlotWait", self).with_(statistic="p90"),
                    metrics.build_metric("QueuedDuration", watched.builder, "p90"),
                    metrics.build_metric("BuildDuration", watched.builder, "p90"),
                ],
            ),
            _graph(
                "Builds that wait for a slot",
                [metrics.reconciler_metric(name, self) for name in ("BuildsWaiting", "SlotsReturned")],
            ),
            _graph(
                "Executions",
                [
                    state_machine.metric_started(),
                    state_machine.metric_succeeded(),
                    state_machine.metric_failed(),
                    state_machine.metric_timed_out(),
                    state_machine.metric_aborted(),
                    state_machine.metric_throttled(),
                ],
            ),
        )
        functions = metrics.functions_of(self)
        dashboard.add_widgets(
            _graph("Lambda errors", [f.metric_errors(label=f.module) for f in functions]),
            _graph("Lambda throttles", [f.metric_throttles(label=f.module) for f in functions]),
            _graph("Lambda duration (p95)", [f.metric_duration(label=f.module, statistic="p95") for f in functions]),
        )
        dashboard.add_widgets(
            _graph(
                "API",
                [
                    api.metric_count(statistic="Sum"),
                    api.metric_client_error(statistic="Sum"),
                    api.metric_server_error(statistic="Sum"),
                ],
            ),
            _graph(
                "API latency (p95, ms)",
                [metrics.route_latency(watched.api, route) for route in watched.api.measured_routes],
            ),
            _graph(
                "Undelivered events",
                [
                    queue.metric_approximate_number_of_messages_visible(label=queue.owner)
                    for queue in metrics.queues_of(self)
                ],
            ),
        )
        dashboard.add_widgets(
            _graph(
                "Task table throttles",
                [table.metric(f"{way}ThrottleEvents", statistic="Sum") for way in ("Read", "Write")],
            ),
            _graph(
                "Task table capacity",
                [
                    table.metric_consumed_read_capacity_units(),
                    table.metric_consumed_write_capacity_units(),
                ],
            ),
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=8, height=6)


def _build_steps(scope: Construct) -> cloudwatch.MathExpression:
    # A search finds steps that a later builder adds, without a change here.
    schema = f"{{{metrics.namespace(scope)},service,step}}"
    search = f"SEARCH('{schema} MetricName=\"BuildStepTime\" service=\"{SERVICE}\"', 'p90')"
    return cloudwatch.MathExpression(expression=search, using_metrics={}, label="", period=metrics.FIVE_MINUTES)
