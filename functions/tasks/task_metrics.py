"""CloudWatch metrics of tasks, the same whichever function ended the task (embedded metric format, in its log)."""

import re
from collections.abc import Mapping
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions.tasks.metric_names import SERVICE

_STEP: Final = re.compile(r"[a-z][a-z_]{0,31}")
_MOST_STEPS: Final = 20
"""Each step is a metric of its own, and costs; the builder reports about ten."""


def count(name: str) -> None:
    """One more of ``name``."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1, default_dimensions={"service": SERVICE}):
        pass


def slot_wait(seconds: float) -> None:
    """Seconds that a build waited for a slot, as metric SlotWait: of all workspaces, since each dimension costs."""
    with single_metric(
        name="SlotWait", unit=MetricUnit.Seconds, value=seconds, default_dimensions={"service": SERVICE}
    ):
        pass


def build_time(durations: Mapping[str, float]) -> None:
    """Seconds by build step, as metric BuildStepTime with dimension ``step``."""
    for step, seconds in list(durations.items())[:_MOST_STEPS]:
        if _STEP.fullmatch(step):
            dimensions = {"service": SERVICE, "step": step}
            with single_metric(
                name="BuildStepTime", unit=MetricUnit.Seconds, value=seconds, default_dimensions=dimensions
            ):
                pass
