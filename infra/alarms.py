"""Alarms for operators: one for each symptom, all on one topic. docs/operations.md explains each of them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import metrics
from infra.api import Api
from infra.metrics import Watched
from infra.nag import accept
from infra.settings import Settings

_QUARTER = cdk.Duration.minutes(15)
_NO_ALARM_WITHOUT_DATA = cloudwatch.TreatMissingData.NOT_BREACHING


class Alarms(Construct):
    """The topic and its alarms: one for each symptom that an operator must know of."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        watched: Watched,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self._runbook = settings.alarms.runbook_url or "docs/operations.md"
        self._dashboard = (
            f"https://{stack.region}.console.aws.amazon.com/cloudwatch/home?region={stack.region}"
            f"#dashboards/dashboard/{stack.stack_name}"
        )
        self.topic = self._topic(settings.alarms.email)
        self.alarms: list[cloudwatch.Alarm] = []
        self._tasks(settings, watched)
        for function in metrics.functions_of(self):
            self._alarm(
                f"LambdaErrors-{function.module}", f"{function.module} failed", function.metric_errors(statistic="Sum")
            )
            self._alarm(
                f"LambdaThrottles-{function.module}",
                f"{function.module} was refused: too many at once",
                function.metric_throttles(statistic="Sum"),
                # What is called by events is called again: a burst of uploads passes by itself.
                periods=3,
            )
        for queue in metrics.queues_of(self):
            self._alarm(
                f"Undelivered-{queue.owner}",
                f"Events that {queue.owner} could not process are waiting in its dead-letter queue",
                queue.metric_approximate_number_of_messages_visible(statistic="Maximum"),
            )
        self._api(settings, watched.api)
        for name, table in (("tasks", watched.storage.task_table), ("policies", watched.tenancy.table)):
            for direction in ("Read", "Write"):
                self._alarm(
                    f"Table{direction}Throttles-{name}",
                    f"DynamoDB throttled {direction.lower()}s of the table of {name}",
                    table.metric(f"{direction}ThrottleEvents", statistic="Sum"),
                    periods=2,
                )

    def _tasks(self, settings: Settings, watched: Watched) -> None:
        self._alarm(
            "FailedTasks",
            "Many tasks failed, whatever the reason",
            metrics.task_metric("TaskFailed", self, period=_QUARTER),
            threshold=settings.alarms.failed_tasks,
        )
        self._alarm(
            "UnexpectedFailures",
            "Tasks failed for no fault of their source",
            metrics.task_metric("TaskFailedUnexpectedly", self, period=_QUARTER),
            threshold=settings.alarms.unexpected_failures,
        )
        self._alarm(
            "UploadsWithoutTask",
            "Files were dropped into the bucket that no task tells of",
            metrics.ingest_metric("UploadWithoutTask", self, period=_QUARTER),
        )
        self._alarm(
            "StuckTasks", "Tasks run longer than they may", metrics.reconciler_metric("StuckTasks", self), periods=2
        )
        self._alarm(
            "ReconcileFailures",
            "The reconciler cannot bring tasks to an end",
            metrics.reconciler_metric("ReconcileFailures", self),
            periods=2,
        )
        self._alarm(
            "ReconcilerSilent",
            "The reconciler has not run for a quarter of an hour",
            metrics.reconciler_metric("OpenTasks", self, statistic="SampleCount", period=_QUARTER),
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "TimedOutExecutions",
            "Executions ran out of time",
            watched.pipeline.state_machine.metric_timed_out(period=_QUARTER),
        )
        self._alarm(
            "ThrottledExecutions",
            "Step Functions throttled executions",
            watched.pipeline.state_machine.metric_throttled(),
            periods=2,
        )
        self._alarm(
            "BuildQueue",
            "Builds wait long for their turn",
            metrics.build_metric("QueuedDuration", watched.builder, statistic="Maximum"),
            threshold=settings.builds.queued_minutes * 60 / 2,
            periods=2,
        )

    def _api(self, settings: Settings, api: Api) -> None:
        self._alarm(
            "ApiErrors", "The API answered with 5xx", api.http_api.metric_server_error(statistic="Sum"), threshold=5
        )
        for route in api.measured_routes:
            self._alarm(
                f"ApiLatency-{route.rpartition('/')[2]}",
                f"{route} is slow",
                metrics.route_latency(api, route),
                threshold=settings.alarms.latency_seconds * 1000,
                periods=3,
            )

    def _alarm(
        self,
        name: str,
        symptom: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float = 1,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        missing: cloudwatch.TreatMissingData = _NO_ALARM_WITHOUT_DATA,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{cdk.Stack.of(self).stack_name}-{name}",
            alarm_description=f"{symptom}. What to do: {self._runbook}#{name.partition('-')[0].lower()}. "
            f"Dashboard: {self._dashboard}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.alarms.append(alarm)

    def _topic(self, email: str | None) -> sns.Topic:
        cloudwatch_service = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        ours = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}}
        # CloudWatch cannot use the AWS-managed key of SNS: the key's policy does not admit CloudWatch and is fixed.
        key = kms.Key(
            self,
            "Key",
            description="Blue FaaS: encrypts alarm notifications",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch_service],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=ours,
            )
        )
        topic = sns.Topic(self, "Topic", display_name="Blue FaaS alarms", master_key=key, enforce_ssl=True)
        # A topic policy replaces SNS's default policy, which admits CloudWatch: it has to admit CloudWatch itself.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch_service], actions=["sns:Publish"], resources=[topic.topic_arn], conditions=ours
            )
        )
        if email is not None:
            subscription = topic.add_subscription(subscriptions.EmailSubscription(email))
            accept(
                subscription,
                "An e-mail that SNS cannot deliver is no loss: the alarm stays on, in CloudWatch and on the dashboard.",
                "Serverless-SNSRedrivePolicy",
            )
        return topic
