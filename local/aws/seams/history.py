"""Execution history in the shape that Step Functions' GetExecutionHistory has.

ministack writes a task's whole resource ARN where AWS writes service and action, leaves out TaskStarted, TaskTimedOut
and ``previousEventId``, and goes on writing after the end of an execution.
Reference: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

import threading
from typing import Any, Final

from ministack.services import stepfunctions as service

Json = dict[str, Any]
_PREFIX: Final = "arn:aws:states:::"


def split_resource(arn: str) -> tuple[str, str]:
    """``(resourceType, resource)`` of an integration's ARN, as events name them.

    >>> split_resource("arn:aws:states:::codebuild:startBuild.sync")
    ('codebuild', 'startBuild.sync')
    >>> split_resource("arn:aws:states:::aws-sdk:s3:getObject")
    ('aws-sdk:s3', 'getObject')
    """
    service_name, _, action = arn.removeprefix(_PREFIX).partition(":")
    if service_name == "aws-sdk":
        sdk_service, _, action = action.partition(":")
        service_name = f"aws-sdk:{sdk_service}"
    return service_name, action


def install() -> None:
    """Replace how events are written."""
    write = service._add_event
    lock = threading.RLock()  # branches of a Parallel state write at the same time

    def add_event(record: Json, kind: str, details: Json | None = None) -> Json:
        if record["status"] != "RUNNING" and not kind.startswith("Execution"):
            return {}
        details = {name: _shaped(value) for name, value in (details or {}).items()}
        failure = details.get("taskFailedEventDetails", {})
        if failure.get("error") == "States.Timeout":
            kind, details = "TaskTimedOut", {"taskTimedOutEventDetails": failure}
        with lock:
            event: Json = write(record, kind, details)
            event["previousEventId"] = event["id"] - 1
            if kind == "TaskScheduled":
                task = details["taskScheduledEventDetails"]
                started = {key: task[key] for key in ("resourceType", "resource")}
                add_event(record, "TaskStarted", {"taskStartedEventDetails": started})
        return event

    service._add_event = add_event


def _shaped(details: Any) -> Any:
    arn = details.get("resource", "") if isinstance(details, dict) else ""
    if not isinstance(arn, str) or not arn.startswith(_PREFIX):
        return details
    resource_type, resource = split_resource(arn)
    return {**details, "resourceType": resource_type, "resource": resource}
