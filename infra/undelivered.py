"""What could not be delivered or processed is kept for an operator, not dropped."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag import accept

MOST_EVENT_AGE = cdk.Duration.hours(6)
"""Lambda's and EventBridge's own longest are 6 and 24 hours; an upload that is built half a day late helps nobody."""


class UndeliveredQueue(sqs.Queue):
    """Dead-letter queue of one function that is called by events.

    Two ways lead here: the rule's, for events that could not be handed to Lambda, and Lambda's own, for events with
    which the function failed to the last retry. (An exception in the function never reaches the rule's queue.)
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        accept(self, "It is a dead-letter queue.", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")

    def collect_failures(self, function: lambda_.Function) -> None:
        """Send asynchronous invocations of ``function`` here when their retries are used up."""
        function.configure_async_invoke(
            max_event_age=MOST_EVENT_AGE, retry_attempts=2, on_failure=destinations.SqsDestination(self)
        )
