"""Lambda invocations: no wait for log lines that never come, a queue for throttled ones, events that are retried.

ministack waits 50 ms after each invocation for lines on the worker's standard error: here the worker says when it is
through. Above the concurrency limit ministack answers 429 at once, which is right for a limit of 1000 and wrong for
one of 8: here the invocation waits for its turn. An event of EventBridge it gives to its function once; here, as on
AWS, it is tried twice more, and waits its turn for as long as AWS keeps it
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
"""

import asyncio
import contextvars
import json
import queue
import threading
import time
from collections import deque
from typing import Any, Final

from ministack.core import lambda_runtime as runtime
from ministack.services import eventbridge
from ministack.services import lambda_svc as service

END_OF_LOG: Final = "\x1eend of invocation"
LOG_SECONDS: Final = 0.25
"""How long to wait for the end of the log (a worker that was killed writes none)."""
SLOT_SECONDS: Final = 25.0
"""How long an invocation waits for its turn before it is throttled after all. Also what ends the deadlock of functions
that invoke each other while all places are taken."""
EVENT_SECONDS: Final = 6 * 3600.0
"""How long the invocation of an event waits for it."""
_for_event: contextvars.ContextVar[bool] = contextvars.ContextVar("invoked_for_event", default=False)

_RESULT_WRITTEN: Final = "        _real_stdout.flush()\n\nrun()\n"


def install() -> None:
    """Replace the wait for log lines and the throttle."""
    script = runtime._PYTHON_WORKER_SCRIPT
    if script.count(_RESULT_WRITTEN) != 1:
        raise RuntimeError(
            "ministack's Python worker does not look as expected: check local/aws/seams/lambda_workers.py"
        )
    runtime._PYTHON_WORKER_SCRIPT = script.replace(
        _RESULT_WRITTEN,
        f"        sys.stderr.write({END_OF_LOG + chr(10)!r})\n        sys.stderr.flush()\n{_RESULT_WRITTEN}",
    )
    wait_for_lines = runtime.Worker._drain_stderr_bounded

    def drain_stderr_bounded(worker: Any, **waits: float) -> Any:
        is_python = str(worker.config.get("Runtime")).startswith("python")
        return _log_of_invocation(worker) if is_python else wait_for_lines(worker, **waits)

    runtime.Worker._drain_stderr_bounded = drain_stderr_bounded
    _queue_for_slots()
    eventbridge._dispatch_to_lambda = _deliver


def _deliver(arn: str, payload: str) -> None:
    """Invoke a rule's target with an event, in a thread of its own."""
    function, config, _ = service._get_func_record_for_ref(arn)
    if function and config:
        token = _for_event.set(True)  # the thread has a copy of this context
        try:
            service.invoke_async_with_retry(service._execution_record_for_config(function, config), json.loads(payload))
        finally:
            _for_event.reset(token)


def _log_of_invocation(worker: Any) -> str:
    """Every line that the invocation wrote to standard error."""
    lines: list[str] = []
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        try:
            line = worker._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if line == END_OF_LOG:
            break
        lines.append(line)
    return "\n".join(lines)


def _queue_for_slots() -> None:
    acquire, release = service._acquire_execution_slot, service._release_execution_slot
    changed = threading.Condition()
    waiting: deque[object] = deque()

    def acquire_execution_slot(function: Any, config: Any) -> Any:
        # The thread that serves all requests must not wait: what it waits for may need it.
        patience = EVENT_SECONDS if _for_event.get() else SLOT_SECONDS
        deadline = time.monotonic() + (0.0 if _serves_requests() else patience)
        turn = object()
        with changed:
            waiting.append(turn)
            try:
                while True:
                    left = deadline - time.monotonic()
                    # One after the other: were it first come, first served, those who ask now would overtake those who
                    # have been waiting, for as long as there are enough of them.
                    if waiting[0] is turn or left <= 0:
                        slot, limit = acquire(function, config)
                        if slot is not None or limit != "account" or left <= 0:
                            return slot, limit
                    changed.wait(left)
            finally:
                waiting.remove(turn)
                changed.notify_all()

    def release_execution_slot(key: Any) -> None:
        release(key)
        with changed:
            changed.notify_all()

    service._acquire_execution_slot = acquire_execution_slot
    service._release_execution_slot = release_execution_slot


def _serves_requests() -> bool:
    """Whether the calling thread runs the event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
