"""Requests, errors and durations of an app, as CloudWatch has them of a collector.

Every query names one metric and one statistic: there is no expression and no search among them.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from functions.aws import clients
from functions.cluster.errors import (
    ClusterError,
    MetricsAccessError,
    ServerFailedError,
    TooManyRequestsError,
    TooSlowError,
    UnreachableError,
)
from functions.contracts.function_metrics import CALLS, DURATION, METRIC_NAMESPACE, SERVER_ERRORS, MeasuredApp

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricStatTypeDef, MetricTypeDef

_REQUESTS: Final = "requests"
_ERRORS: Final = "errors"
_MILLISECONDS: Final = "milliseconds"
_P50: Final = "p50"
_P99: Final = "p99"
_STATISTICS: Final = {_REQUESTS: "SampleCount", _MILLISECONDS: "Sum", _P50: "p50", _P99: "p99"}
"""Statistics of `DURATION`, by the id of their query."""
_RETRY_SECONDS: Final = 5
_CLOSED: Final = ("AccessDenied", "NotAuthorized", "UnrecognizedClient", "InvalidClientToken", "ExpiredToken")
"""Words in the codes of errors about who asks (CloudWatch API reference, "Common Errors")."""


class Period(IntEnum):
    """Seconds that one point is about."""

    MINUTE = 60
    FIVE_MINUTES = 300


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is asked about, in seconds since 1970; whole periods, the last of which goes on."""

    start: int
    end: int
    period: int

    @classmethod
    def until_now(cls, minutes: int, period: Period) -> Self:
        """Return the window of the last minutes, begun and ended where periods of so many seconds do."""
        now = time.time()
        return cls(int((now - minutes * 60) // period) * period, (int(now // period) + 1) * period, period)


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured in one period, which begins at ``start`` (seconds since 1970). Latencies are milliseconds."""

    start: int
    requests: int
    errors: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was measured in a window: the periods with requests, in the order of time."""

    points: Sequence[Point]
    milliseconds: float
    """Durations of all requests, added up."""

    @property
    def requests(self) -> int:
        """Requests in the window."""
        return sum(point.requests for point in self.points)

    @property
    def errors(self) -> int:
        """Requests in the window that ended with a status from 500 on."""
        return sum(point.errors for point in self.points)

    @property
    def average(self) -> float | None:
        """Milliseconds of a request on average; None without requests."""
        return self.milliseconds / self.requests if self.requests else None


def read(app: MeasuredApp, window: Window) -> Traffic:
    """Ask CloudWatch.

    Raises
    ------
    ClusterError
        CloudWatch did not answer: it is busy, out of reach, or closed to this function.
    """
    found: dict[str, dict[int, float]] = {query["Id"]: {} for query in _queries(app, window)}
    for query, start, value in _values(app, window):
        found[query][start] = value
    requests, errors = found[_REQUESTS], found[_ERRORS]
    points = [
        Point(
            start,
            requests=round(requests.get(start, 0)),
            errors=round(errors.get(start, 0)),
            p50=found[_P50].get(start),
            p99=found[_P99].get(start),
        )
        for start in sorted(requests.keys() | errors.keys())
    ]
    return Traffic(points, sum(found[_MILLISECONDS].values()))


def _values(app: MeasuredApp, window: Window) -> Iterator[tuple[str, int, float]]:
    """Yield each value: the id of its query, when its period begins, and itself."""
    pages = clients.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=_queries(app, window),
        StartTime=datetime.fromtimestamp(window.start, UTC),
        EndTime=datetime.fromtimestamp(window.end, UTC),
    )
    try:
        for page in pages:
            for result in page["MetricDataResults"]:
                for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                    yield result["Id"], int(at.timestamp()), value
    except ClientError as error:
        raise _refusal(error) from error
    except ReadTimeoutError as error:
        raise TooSlowError("read the metrics of the app: CloudWatch did not answer in time") from error
    except BotoCoreError as error:
        raise UnreachableError(f"no connection to CloudWatch ({type(error).__name__})") from error


def _queries(app: MeasuredApp, window: Window) -> "list[MetricDataQueryTypeDef]":
    durations = [_query(id_, DURATION, app.dimensions(), stat, window) for id_, stat in _STATISTICS.items()]
    return [*durations, _query(_ERRORS, CALLS, app.dimensions(SERVER_ERRORS), "Sum", window)]


def _query(
    id_: str, name: str, dimensions: Mapping[str, str], statistic: str, window: Window
) -> "MetricDataQueryTypeDef":
    metric: MetricTypeDef = {
        "Namespace": METRIC_NAMESPACE,
        "MetricName": name,
        "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions.items()],
    }
    asked: MetricStatTypeDef = {"Metric": metric, "Period": window.period, "Stat": statistic}
    return {"Id": id_, "MetricStat": asked}


def _refusal(error: ClientError) -> ClusterError:
    code = error.response["Error"]["Code"]
    if "Throttl" in code or code in ("LimitExceeded", "RequestLimitExceeded", "TooManyRequestsException"):
        return TooManyRequestsError("CloudWatch has too many requests of this account at the moment", _RETRY_SECONDS)
    if any(word in code for word in _CLOSED):
        return MetricsAccessError(f"CloudWatch does not let this service read metrics ({code})")
    return ServerFailedError(f"CloudWatch did not answer ({code})")
