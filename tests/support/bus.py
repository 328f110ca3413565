"""What subscribers of the stack's event bus are sent, and AWS operations that fail."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.support.aws_account import EVENT_BUS


class Subscriber:
    """A queue behind a rule of the bus, as docs/events.md shows it."""

    def __init__(self, detail_type: str = "Task Ended") -> None:
        self._sqs, events = boto3.client("sqs"), boto3.client("events")
        self._url = self._sqs.create_queue(QueueName="ends")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["blue-faas"], "detail-type": [detail_type]})
        events.put_rule(Name="ends", EventBusName=EVENT_BUS, EventPattern=pattern)
        events.put_targets(Rule="ends", EventBusName=EVENT_BUS, Targets=[{"Id": "queue", "Arn": arn}])

    def received(self) -> list[dict[str, Any]]:
        """Details of the events since the last call."""
        details = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                details.append(json.loads(message["Body"])["detail"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return details

    def close(self) -> None:
        """Unsubscribe."""
        boto3.client("events").remove_targets(Rule="ends", EventBusName=EVENT_BUS, Ids=["queue"])
        boto3.client("events").delete_rule(Name="ends", EventBusName=EVENT_BUS)
        self._sqs.delete_queue(QueueUrl=self._url)


Breaker = Callable[[str], None]


def breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Makes operations of AWS fail: ``break_("PutEvents")``; ``break_("")`` repairs all."""
    broken: set[str] = set()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def fail(self: BaseClient, operation: str, parameters: Any) -> Any:
        if operation in broken:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "broken by a test"}}, operation)
        return call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", fail)
    return lambda operation: broken.add(operation) if operation else broken.clear()
