"""Every five minutes: tasks that nothing else would end are ended, and what an operator must know is counted."""

import datetime
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.tasks.admission import Admission
from functions.tasks.reconciliation import Step, reconcile
from functions.tasks.settings import ReconcilerSettings
from functions.tasks.slot_repair import repair
from functions.telemetry import logger, metrics, tracer

_TIME_TO_FINISH_MS: Final = 30_000
"""What the last task of a run may take, its retries included."""


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Reconcile every unsettled task (scheduled; the event says nothing). Answers what was found and done."""
    settings = ReconcilerSettings.read()
    findings = reconcile(
        settings,
        datetime.datetime.now(datetime.UTC),
        lambda: context.get_remaining_time_in_millis() > _TIME_TO_FINISH_MS,
    )
    counts = {"OpenTasks": findings.open, "StuckTasks": findings.stuck}
    counts |= {step.value: findings.steps[step] for step in Step}
    # After the tasks: what one of them that was ended just now held is given on.
    slots = repair(Admission.of(settings))
    counts |= {"BuildsWaiting": slots.waiting, "SlotsReturned": slots.returned}
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    logger.info("reconciled", complete=findings.complete, counts=counts)
    return counts
