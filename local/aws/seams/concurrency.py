"""Lambda's concurrency: what a function reserves is its own, and nobody else's; what is refused is answered as on AWS.

ministack counts all invocations against the account's limit, reserved ones too, lets CloudFormation's reservations pass
unread, and answers 429 where an HTTP API answers 503. This machine has fewer places than an account: what a function
reserves is made smaller with the template's settings (`local.cloud.assembly`), and functions that reserve nothing share
a few. So an invocation that finds none waits for its turn, and is throttled after all when the line does not move.

References: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import asyncio
import contextlib
import contextvars
import json
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from ministack.services import lambda_svc as service

from local.aws.seams import cloudformation

UNRESERVED_PLACES: Final = 8
"""Invocations at once of all functions that reserve nothing: each is a process of 55 MB that stays five minutes."""
LEAST_UNRESERVED: Final = 100
"""Executions of the account that Lambda lets nobody reserve."""
SLOT_SECONDS: Final = 25.0
"""How long an invocation waits while nobody before it gets a turn; then it is throttled after all. How many are before
it, and how busy the machine is, does not count. Also what ends the deadlock of functions that invoke each other while
all places are taken."""
EVENT_SECONDS: Final = 6 * 3600.0
"""How long the invocation of an event waits likewise."""
_for_event: contextvars.ContextVar[bool] = contextvars.ContextVar("invoked_for_event", default=False)


def install() -> None:
    """Replace the count of what runs, the check of reservations, and API Gateway's answers."""
    places = _Places()
    service._acquire_execution_slot = places.take
    service._release_execution_slot = places.give_back
    service._put_function_concurrency = _checked(service._put_function_concurrency)
    service.lambda_execute_result_to_api_proxy_response = _as_api_gateway(
        service.lambda_execute_result_to_api_proxy_response
    )
    cloudformation.COMPLETIONS["AWS::Lambda::Function"] = _reserve


@contextlib.contextmanager
def for_event() -> Iterator[None]:
    """Have the invocation that the block begins, in a thread of its own, wait as events do."""
    token = _for_event.set(True)  # the thread has a copy of this context
    try:
        yield
    finally:
        _for_event.reset(token)


class _Places:
    """What runs, by function where one has reserved something, and of all others together."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[object]] = defaultdict(deque)
        self._moved: defaultdict[str, float] = defaultdict(float)
        """When somebody last had a turn, by room."""

    def take(self, function: Any, config: Any) -> tuple[str | None, str | None]:
        """Take a place; None, and what it lacks, when the time to wait for it is over."""
        # A version's record lacks what its function has reserved for all versions.
        own = service._functions.get(config.get("FunctionName")) or function
        reserved = service._reserved_concurrency(own, config)
        room = "unreserved" if reserved is None else str(service._inflight_key(config))
        most = UNRESERVED_PLACES if reserved is None else reserved
        began, patience = time.monotonic(), _patience() if most else 0.0
        turn, queue = object(), self._waiting[room]
        with self._changed:
            queue.append(turn)
            try:
                while True:
                    left = max(began, self._moved[room]) + patience - time.monotonic()
                    # One after the other: were it first come, first served, those who ask now would overtake those who
                    # have been waiting, for as long as there are enough of them.
                    if self._running[room] < most and (queue[0] is turn or left <= 0):
                        self._running[room] += 1
                        self._moved[room] = time.monotonic()
                        return room, None
                    if left <= 0:
                        return None, "account" if reserved is None else "function"
                    self._changed.wait(left)
            finally:
                queue.remove(turn)
                self._changed.notify_all()

    def give_back(self, room: str) -> None:
        """Let the next one in."""
        with self._changed:
            self._running[room] -= 1
            self._changed.notify_all()


def _patience() -> float:
    # The thread that serves all requests must not wait: what it waits for may need it.
    if _serves_requests():
        return 0.0
    return EVENT_SECONDS if _for_event.get() else SLOT_SECONDS


def _serves_requests() -> bool:
    """Whether the calling thread runs the event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _checked(put: Any) -> Any:
    def put_function_concurrency(name: str, data: dict[str, Any]) -> Any:
        others = sum(int(other.get("concurrency") or 0) for key, other in service._functions.items() if key != name)
        left = service._ACCOUNT_CONCURRENCY_CAP - others - int(data.get("ReservedConcurrentExecutions", 0))
        if left < LEAST_UNRESERVED:
            detail = (
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )
            return service.error_response_json("InvalidParameterValueException", detail, 400)
        return put(name, data)

    return put_function_concurrency


def _reserve(name: str, properties: dict[str, Any]) -> None:
    """Reserve what a template says, or nothing."""
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        service._delete_function_concurrency(name)
        return
    answer = service._put_function_concurrency(name, {"ReservedConcurrentExecutions": int(reserved)})
    cloudformation.check(answer, "ReservedConcurrentExecutions")


def _as_api_gateway(convert: Any) -> Any:
    """Answer as an HTTP API: it says nothing of why a function gave no answer."""

    def convert_result(result: dict[str, Any]) -> Any:
        if result.get("throttle"):
            return _message(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable"), None
        if result.get("error"):
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"), None
        return convert(result)

    return convert_result


def _message(status: HTTPStatus, message: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps({"message": message})}
