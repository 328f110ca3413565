"""Step Functions' integration with CodeBuild: ``codebuild:startBuild`` and ``codebuild:startBuild.sync``.

Reference: https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html. ``.sync`` waits for the build on
an event, not by asking again and again. A build stops when its task's TimeoutSeconds is over and when its execution
ends (StopExecution, the state machine's timeout).
"""

import contextvars
import json
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Final

from ministack.services import stepfunctions as service

from local.aws.codebuild.record import SUCCEEDED
from local.aws.seams import execution_life
from local.aws.seams.codebuild import Builds, response_body

Json = dict[str, Any]
RESOURCE: Final = "arn:aws:states:::codebuild:startBuild"
_MODELLED: Final = ("AccountLimitExceededException", "InvalidInputException", "ResourceNotFoundException")
"""Errors of StartBuild's API description; Step Functions gives all others one name (`infra.retries`)."""
_TIMES: Final = ("startTime", "endTime")

_timed_out: contextvars.ContextVar[Future[None] | None] = contextvars.ContextVar("task_timed_out", default=None)
"""Resolves when the task that the calling thread works for has taken longer than its TimeoutSeconds."""


def install(builds: Builds) -> None:
    """Register the integration, and let a task's timeout be noticed by what the task started."""
    invoke_with_timeout = service._invoke_resource_with_timeout

    def start_build(resource: str, arguments: Any) -> Json:
        return _start_build(builds, resource, arguments)

    def invoke_resource_with_timeout(resource: str, arguments: Any, timeout: float) -> Any:
        timed_out: Future[None] = Future()
        token = _timed_out.set(timed_out)
        try:
            return invoke_with_timeout(resource, arguments, timeout)
        finally:
            timed_out.set_result(None)
            _timed_out.reset(token)

    service._SERVICE_DISPATCH[RESOURCE] = start_build
    service._invoke_resource_with_timeout = invoke_resource_with_timeout


def _start_build(builds: Builds, resource: str, arguments: Any) -> Json:
    response = builds.start(service._pascal_to_camel(arguments))
    answer = response_body(response)
    if response[0] >= 400:
        error = str(answer.get("__type", "")).rpartition("#")[2]
        name = error if error in _MODELLED else "AWSCodeBuildException"
        raise service._ExecutionError(f"CodeBuild.{name}", answer.get("message", ""))
    submitted = {"Build": pascal_case(answer["build"])}
    if not resource.endswith(".sync"):
        return submitted
    return _wait(builds, resource, submitted, answer["build"]["id"])


def _wait(builds: Builds, resource: str, submitted: Json, build_id: str) -> Json:
    execution, timed_out = execution_life.current(), _timed_out.get()
    if execution is not None:
        service._add_event(
            execution.record,
            "TaskSubmitted",
            {"taskSubmittedEventDetails": {"resource": resource, "output": json.dumps(submitted)}},
        )
    build = builds.get(build_id)
    if build is not None:
        awaited: list[Future[Any]] = [build.finished]
        if execution is not None:
            awaited.append(execution.ended)
        if timed_out is not None:
            awaited.append(timed_out)
        wait(awaited, return_when=FIRST_COMPLETED)
        if not build.finished.done():
            builds.queue.stop(build)
        final = build.finished.result()
    else:
        final = builds.ended(build_id)
    output = {"Build": pascal_case(final)}
    if final["buildStatus"] != SUCCEEDED:
        raise service._ExecutionError("States.TaskFailed", json.dumps(output))
    return output


def pascal_case(value: Any) -> Any:
    """Write a CodeBuild answer as Step Functions hands it on: names with a capital, times in milliseconds."""
    if isinstance(value, list):
        return [pascal_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key[:1].upper() + key[1:]: int(item * 1000) if key in _TIMES else pascal_case(item)
        for key, item in value.items()
    }
