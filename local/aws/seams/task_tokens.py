"""Step Functions' callbacks: a task with ``.waitForTaskToken`` goes on when somebody sends its token back.

ministack gives every try of a task the same token, lets a function fail without failing its task, takes an answer twice
and of any size, asks nobody whether the state machine may call the function, and leaves the end of an execution
unnoticed. Activities are not known here. References: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token,
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

import json
import secrets
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Final

from ministack.services import stepfunctions as service

from local.aws.seams import execution_life

Json = dict[str, Any]
CALLBACK: Final = ".waitForTaskToken"
MOST_OUTPUT_BYTES: Final = 262_144
_MOST_TOKEN_CHARACTERS: Final = 2048
_TOKEN_BYTES: Final = 540
"""A token has some 720 characters, as on AWS: who stores one sees how long they are."""


class Tokens:
    """Every token given out, and the answer to each that is still awaited."""

    def __init__(self) -> None:
        self._awaited: dict[str, Future[Any]] = {}
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def give(self) -> tuple[str, Future[Any]]:
        """Make a token, and what resolves with its answer."""
        token, answer = secrets.token_urlsafe(_TOKEN_BYTES), Future[Any]()
        with self._lock:
            self._given.add(token)
            self._awaited[token] = answer
        return token, answer

    def close(self, token: str) -> None:
        """Take no answer to a token any more."""
        with self._lock:
            self._awaited.pop(token, None)

    def answer(self, request: Json, resolve: Any) -> Any:
        """Hand on what somebody sends for a token, once."""
        token = request.get("taskToken")
        if not isinstance(token, str) or not 0 < len(token) <= _MOST_TOKEN_CHARACTERS:
            return service.error_response_json("ValidationException", "taskToken: 1 to 2048 characters", 400)
        with self._lock:
            answer = self._awaited.pop(token, None)
            known = token in self._given
        if not known:
            return service.error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
        if answer is None:
            text = "Task Timed Out: 'Provided task does not exist anymore'"
            return service.error_response_json("TaskTimedOut", text, 400)
        resolve(answer)
        return service.json_response({})


def install() -> None:
    """Replace how a task waits for its token, and how answers arrive."""
    tokens = Tokens()
    arguments_of = service._apply_jsonata_arguments
    pending: dict[str, Future[Any]] = {}

    def apply_jsonata_arguments(state: Json, state_input: Any, context: Json) -> Any:
        if CALLBACK in state.get("Resource", ""):  # each try of a task has a token of its own
            token, answer = tokens.give()
            pending[token] = answer
            context["Task"] = {"Token": token}
        return arguments_of(state, state_input, context)

    def invoke_with_callback(resource: str, arguments: Any, token: str, state: Json) -> Any:
        try:
            return _wait(resource, arguments, pending.pop(token), state)
        finally:
            tokens.close(token)

    def send_task_success(request: Json) -> Any:
        output = request.get("output")
        if not isinstance(output, str) or len(output.encode()) > MOST_OUTPUT_BYTES:
            text = f"output: at most {MOST_OUTPUT_BYTES} bytes"
            return service.error_response_json("ValidationException", text, 400)
        try:
            result = json.loads(output)
        except ValueError:
            text = "Invalid Output: 'The output is not JSON'"
            return service.error_response_json("InvalidOutput", text, 400)
        return tokens.answer(request, lambda answer: answer.set_result(result))

    def send_task_failure(request: Json) -> Any:
        error = service._ExecutionError(request.get("error") or "", request.get("cause") or "")
        return tokens.answer(request, lambda answer: answer.set_exception(error))

    service._apply_jsonata_arguments = apply_jsonata_arguments
    service._invoke_with_callback = invoke_with_callback
    # ministack looks its actions up by name at every request.
    service._send_task_success = send_task_success
    service._send_task_failure = send_task_failure


def _wait(resource: str, arguments: Any, answer: Future[Any], state: Json) -> Any:
    """Make the task's call, which may fail, and wait for its answer, its timeout or the end of its execution."""
    if "HeartbeatSeconds" in state:
        raise RuntimeError(f"Heartbeats are not known here: add them to {__name__}")
    execution, until = execution_life.current(), time.monotonic() + state.get("TimeoutSeconds", threading.TIMEOUT_MAX)
    submitted = service._invoke_resource(resource.replace(CALLBACK, ""), arguments)
    awaited: list[Future[Any]] = [answer]
    if execution is not None:
        details = {"resource": resource, "output": json.dumps(submitted)}
        service._add_event(execution.record, "TaskSubmitted", {"taskSubmittedEventDetails": details})
        awaited.append(execution.ended)
    wait(awaited, timeout=max(0.0, until - time.monotonic()), return_when=FIRST_COMPLETED)
    if not answer.done():
        raise service._ExecutionError("States.Timeout", "")
    return answer.result()
