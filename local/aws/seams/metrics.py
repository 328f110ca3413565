"""Metrics that nobody puts: those that functions write into their log, and those that services count by themselves.

ministack counts invocations of Lambda. Here CloudWatch reads the embedded metric format in every log, an HTTP API
counts its answers, and a queue tells how many messages lie in it.

References: "Embedded metric format specification" in the CloudWatch user guide,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import functools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ministack.services import apigateway, cloudwatch, cloudwatch_logs, lambda_svc, sqs

_MARK: Final = '"_aws"'
_QUEUE_DEPTH: Final = "ApproximateNumberOfMessagesVisible"
MOST_POINTS: Final = 20_000
"""Datapoints of a metric that are kept."""


def install() -> None:
    """Count from here on."""
    put, emit = cloudwatch_logs._put_log_events, lambda_svc._emit_lambda_logs

    def put_log_events(data: Mapping[str, Any]) -> Any:
        answer = put(data)
        if answer[0] < 300:
            read_lines(str(event.get("message", "")) for event in data.get("logEvents", []))
        return answer

    def emit_lambda_logs(function: Any, request_id: str, log_text: str, *rest: Any, **options: Any) -> None:
        emit(function, request_id, log_text, *rest, **options)
        read_lines(log_text.split("\n"))

    cloudwatch_logs._put_log_events = put_log_events
    lambda_svc._emit_lambda_logs = emit_lambda_logs
    apigateway.handle_execute = _counted(apigateway.handle_execute)
    cloudwatch._evaluate_all_alarms = _with_queues(cloudwatch._evaluate_all_alarms)


def read_lines(lines: Iterable[str]) -> None:
    """Record the metrics that lines of a log hold."""
    for line in lines:
        if _MARK not in line:
            continue
        try:
            entry = json.loads(line)
            directives = entry["_aws"]["CloudWatchMetrics"]
            at = float(entry["_aws"]["Timestamp"]) / 1000
        except (ValueError, KeyError, TypeError):
            continue  # as CloudWatch does: a line, and no metric
        for directive in directives:
            _record(entry, directive, at)


def _record(entry: Mapping[str, Any], directive: Mapping[str, Any], at: float) -> None:
    for names in directive["Dimensions"]:
        dimensions = {name: str(entry[name]) for name in names}
        for metric in directive["Metrics"]:
            value = entry[metric["Name"]]
            for each in value if isinstance(value, list) else [value]:
                _add(directive["Namespace"], metric["Name"], dimensions, float(each), at)


def _add(namespace: str, name: str, dimensions: Mapping[str, str], value: float, at: float | None = None) -> None:
    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    if len(bucket) >= MOST_POINTS:
        del bucket[: MOST_POINTS // 2]
    bucket.append({"Timestamp": at or time.time(), "Value": value, "Unit": "None", "Dimensions": dict(dimensions)})


def _counted(handle: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handle)
    async def handle_execute(api_id: str, stage: str, path: str, method: str, *rest: Any, **options: Any) -> Any:
        began = time.monotonic()
        answer = await handle(api_id, stage, path, method, *rest, **options)
        counts = {"Count": 1.0, "Latency": (time.monotonic() - began) * 1000}
        counts |= {kind: float(answer[0] // 100 == int(kind[0])) for kind in ("4xx", "5xx")}
        places = [{"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}]
        places += [{**places[1], "Method": method, "Resource": path}]  # an API without parameters in what it measures
        for dimensions in places:
            for name, value in counts.items():
                _add("AWS/ApiGateway", name, dimensions, value)
        return answer

    return handle_execute


def _with_queues(evaluate_all: Callable[[], None]) -> Callable[[], None]:
    def evaluate_all_alarms() -> None:
        for url, queue in list(sqs._queues.items()):
            waiting = sum(1 for message in queue["messages"] if message.get("visible_at", 0) <= time.time())
            if waiting:
                _add("AWS/SQS", _QUEUE_DEPTH, {"QueueName": str(url).rsplit("/", 1)[-1]}, float(waiting))
        evaluate_all()

    return evaluate_all_alarms
