"""Lambda functions of the test stack: they say what they were called with and what they see."""

import contextlib
import json
import os
import sys
import time
from importlib.util import find_spec
from typing import Any

import boto3

Event = dict[str, Any]


def echo(event: Event, context: Any) -> Event:
    """Answer an HTTP API request with the event itself."""
    sys.stdout.write(f"echo of {event.get('rawPath')}\nsecond line\n")
    if event.get("rawPath") == "/exit":
        os._exit(1)
    began = time.time()
    if event.get("rawPath") == "/rest":
        time.sleep(0.3)
    body = {
        "event": event,
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "environment": dict(os.environ),
        "importable": [name for name in ("functions", "infra", "local", "tests") if find_spec(name)],
        "own_code_first": sys.path[0],
        "from_to": [began, time.time()],
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def keep(event: Event, _context: Any) -> None:
    """Write the event into the table, so that a test can see that it arrived; fail at the first try when told to."""
    detail = event["detail"]
    table = boto3.client("dynamodb")
    item = {"pk": {"S": event["source"]}, "sk": {"S": detail.get("name") or detail["object"]["key"]}}
    if "fails-first" in item["sk"]["S"]:
        first = {**item, "pk": {"S": f"first try of {event['source']}"}}
        with contextlib.suppress(table.exceptions.ConditionalCheckFailedException):
            table.put_item(TableName=os.environ["TABLE"], Item=first, ConditionExpression="attribute_not_exists(pk)")
            raise ValueError("as it was told")
    table.put_item(TableName=os.environ["TABLE"], Item=item | {"event": {"S": json.dumps(event)}})


def answer(event: Event, _context: Any) -> Event:
    """A task of a state machine; fails when it is told to."""
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"seen": event, "account": boto3.client("sts").get_caller_identity()["Account"]}
