"""States RecordResult, RecordFailure and ReadEarlierEnd of the build pipeline: end a task, and tell how it ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.tasks.admission import Admission
from functions.tasks.named_task import NamedTask
from functions.tasks.outcome import Outcomes, build_log_url, reason_from_failure, reason_without_report
from functions.tasks.settings import EndSettings
from functions.tasks.task_end import TaskEnd
from functions.telemetry import logger, tracer


class EndedBuild(NamedTask):
    """Input of the states: ``error`` and ``cause`` of a failure; ``ended_before`` when there was nothing to build."""

    build_log_url: str | None = None
    error: str = ""
    cause: str = ""
    ended_before: bool = False


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """End the task by what the builder reported, unless it had ended before; answers `TaskEnd`."""
    build = EndedBuild.model_validate(event)
    task = build.key
    settings = EndSettings.read()
    outcomes = Outcomes.of(settings)
    if build.ended_before:
        row = outcomes.tasks.get(task)
    elif build.error:
        row = outcomes.by_report(task, reason_from_failure(build.error, build.cause, build.task_id))
    else:
        row = outcomes.by_report(task, reason_without_report(build.task_id))
    if not build.ended_before:
        # Where this fails the state tries again: the task has ended, and its slot is given back once.
        Admission.of(settings).give_back(task)
    log = build.build_log_url or build_log_url(build.cause)
    return TaskEnd.of(row, build_log_url=log, ended_before=build.ended_before).to_output()
