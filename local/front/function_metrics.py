"""What functions measure, counted where their requests pass: in place of Spin's spans and of a collector.

Names, dimensions and units are those that the collector of ``cluster/examples/metrics`` sends.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.function_metrics import CALLS, DURATION, METRIC_NAMESPACE, MeasuredApp, status_class
from local.kubernetes.machinery.api import Key

_MOST_VALUES: Final = 150
"""Values of one datum that PutMetricData takes, each with its count (CloudWatch API reference, "MetricDatum")."""
_MOST_DATA: Final = 1000
"""Data of one call."""
_GATHERING: Final = 1.0
"""Seconds in which requests are counted before they are sent."""
_DIGITS: Final = 2
"""Of a duration: what was about as long is one value, as in a histogram."""

Put = Callable[..., Any]
Datum = dict[str, Any]

logger = logging.getLogger(__name__)


class FunctionMetrics:
    """Counts requests, and sends what was counted. Call `start` first and `stop` at the end."""

    def __init__(self, cluster: str, put: Put) -> None:
        """Make one for a cluster; ``put`` is PutMetricData of a client, and may block."""
        self._cluster = cluster
        self._put = put
        self._calls: Counter[tuple[Key, str]] = Counter()
        self._durations: dict[Key, Counter[float]] = {}
        self._counted = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Send what is counted from now on."""
        self._sending = asyncio.create_task(self._send_on())

    async def stop(self) -> None:
        """Send what is left."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._send()

    def count(self, service: Key, status: int, seconds: float) -> None:
        """Count a request of a (namespace, app) that was answered."""
        self._calls[service, status_class(status)] += 1
        self._durations.setdefault(service, Counter())[_rounded(seconds * 1000)] += 1
        self._counted.set()

    async def _send_on(self) -> None:
        while True:
            await self._counted.wait()
            await asyncio.sleep(_GATHERING)
            await self._send()

    async def _send(self) -> None:
        self._counted.clear()
        data = iter(list(self._taken()))
        while some := list(islice(data, _MOST_DATA)):
            try:
                await asyncio.to_thread(self._put, Namespace=METRIC_NAMESPACE, MetricData=some)
            except (BotoCoreError, ClientError) as error:
                logger.warning("metrics of functions were not sent: %s", error)

    def _taken(self) -> Iterator[Datum]:
        """Yield what was counted, and begin anew."""
        calls, durations = self._calls, self._durations
        self._calls, self._durations = Counter(), {}
        for (service, of_class), count in calls.items():
            yield self._datum(CALLS, service, of_class) | {"Unit": "Count", "Value": count}
        for service, counted in durations.items():
            values = iter(counted.items())
            while some := dict(islice(values, _MOST_VALUES)):
                given = {"Unit": "Milliseconds", "Values": list(some), "Counts": list(map(float, some.values()))}
                yield self._datum(DURATION, service) | given

    def _datum(self, name: str, service: Key, of_class: str | None = None) -> Datum:
        dimensions = MeasuredApp(self._cluster, *service).dimensions(of_class)
        return {"MetricName": name, "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()]}


def _rounded(milliseconds: float) -> float:
    """Return the number with its first digits only.

    >>> _rounded(123.4), _rounded(0.0123)
    (120.0, 0.012)
    """
    return float(f"{milliseconds:.{_DIGITS}g}")
