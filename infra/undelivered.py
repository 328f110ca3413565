"""Dead-letter queues: events that could not be delivered or processed are kept for an operator."""

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag import accept

MOST_EVENT_AGE = cdk.Duration.hours(6)
"""The maxima of Lambda and EventBridge are 6 and 24 hours. An upload that is built half a day late helps nobody."""


class UndeliveredQueue(sqs.Queue):
    """Dead-letter queue of a function that is called by events.

    It receives events from two sources: the rule, if it cannot pass the event to Lambda, and Lambda, if the function
    fails with the event to the last retry. (An exception in the function never reaches the rule's queue.)
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        self.owner = scope.node.id
        """Whose events it keeps, in alarms and on the dashboard."""
        accept(self, "It is a dead-letter queue.", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")

    def collect_failures(self, function: lambda_.Function) -> None:
        """Send asynchronous invocations of ``function`` to this queue once their retries are used up."""
        function.configure_async_invoke(
            max_event_age=MOST_EVENT_AGE, retry_attempts=2, on_failure=destinations.SqsDestination(self)
        )

    def target(self, function: lambda_.IFunction, *, retry_attempts: int) -> targets.LambdaFunction:
        """Return a rule's target that calls ``function``; events that Lambda does not accept go to this queue."""
        return targets.LambdaFunction(function, dead_letter_queue=self, retry_attempts=retry_attempts)
