"""What the front counts of functions, and sends in place of a collector."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.function_metrics import CALLS, DURATION, METRIC_NAMESPACE, MeasuredApp, status_class
from local.front.function_metrics import FunctionMetrics

APPS = [("default", "one"), ("default", "two"), ("other", "one")]
REQUESTS = st.lists(st.tuples(st.sampled_from(APPS), st.integers(100, 599), st.floats(0, 60)), max_size=400)
Sent = list[dict[str, Any]]


def sent_of(requests: list[tuple[tuple[str, str], int, float]], put: Callable[..., None] | None = None) -> list[Sent]:
    """Count some requests; return the data of each call."""
    calls: list[Sent] = []

    def keep(Namespace: str, MetricData: Sent) -> None:  # noqa: N803 - as boto3 calls it
        assert Namespace == METRIC_NAMESPACE
        calls.append(MetricData)

    async def run() -> None:
        metrics = FunctionMetrics("cluster", put or keep)
        metrics.start()
        for request in requests:
            metrics.count(*request)
        await metrics.stop()

    asyncio.run(run())
    return calls


def dimensions(datum: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in datum["Dimensions"]}


@given(REQUESTS)
def test_each_request_is_sent_once_within_cloudwatchs_limits(
    requests: list[tuple[tuple[str, str], int, float]],
) -> None:
    calls = sent_of(requests)
    assert all(0 < len(call) <= 1000 for call in calls)
    sent: Counter[tuple[str, ...]] = Counter()
    for datum in itertools.chain(*calls):
        values = datum.get("Values", [0])
        counts = datum.get("Counts", [datum.get("Value")])
        assert 0 < len(values) == len(counts) <= 150
        sent[datum["MetricName"], *dimensions(datum).values()] += sum(counts)
    wanted: Counter[tuple[str, ...]] = Counter()
    for app, status, _ in requests:
        name = MeasuredApp("cluster", *app)
        wanted[DURATION, *name.dimensions().values()] += 1
        wanted[CALLS, *name.dimensions(status_class(status)).values()] += 1
    assert sent == wanted


def test_durations_are_milliseconds_with_two_digits() -> None:
    ((_, datum),) = sent_of([(APPS[0], 200, 0.01234), (APPS[0], 200, 0.01235)])
    assert (datum["Unit"], datum["Values"], datum["Counts"]) == ("Milliseconds", [12.0], [2.0])


def test_a_cloudwatch_that_is_away_stops_nothing() -> None:
    def away(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    assert sent_of([(APPS[0], 200, 0.1)], away) == []
