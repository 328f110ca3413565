"""The event bus with an event for the end of each task: see docs/events.md."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.storage import Storage


class TaskEvents(Construct):
    """The event bus, and the grant to put events on it.

    It is not the account's default bus. Its policy can let other accounts subscribe without showing them the account's
    other events, and the functions may put events on this bus only.
    """

    def __init__(self, scope: Construct, construct_id: str, *, storage: Storage) -> None:
        super().__init__(scope, construct_id)
        self._storage = storage
        self.bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=cdk.Stack.of(self).stack_name,
            description="Blue FaaS: an event on every end of a build task",
        )

    def grant_announce(self, *functions: lambda_.Function) -> None:
        """Grant what announcing a task's end takes: read the row, put the event, note it on the row."""
        for function in functions:
            function.add_environment("EVENT_BUS_NAME", self.bus.event_bus_name)
            self.bus.grant_put_events_to(function)
            self._storage.grant_task_access(function, "dynamodb:GetItem", "dynamodb:UpdateItem")
