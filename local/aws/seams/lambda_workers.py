"""Lambda invocations: no wait for log lines that never come, events that are retried, errors with their own names.

ministack waits 50 ms after each invocation for lines on the worker's standard error: here the worker says when it is
through. An event of EventBridge it gives to its function once; here, as on AWS, it is tried twice more
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). The error of a function in
Python is named after its exception, which is what a state machine catches it by
(https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html); ministack gives all of them one name.
"""

import json
import queue
import time
from typing import Any, Final

from ministack.core import lambda_runtime as runtime
from ministack.services import eventbridge
from ministack.services import lambda_svc as service

from local.aws.seams.concurrency import for_event

END_OF_LOG: Final = "\x1eend of invocation"
LOG_SECONDS: Final = 0.25
"""How long to wait for the end of the log (a worker that was killed writes none)."""
_ERROR_WRITTEN: Final = '"error": str(e), "trace": traceback.format_exc()'
_NAME_ENDS: Final = "\x1eis the error's name"
_RESULT_WRITTEN: Final = "        _real_stdout.flush()\n\nrun()\n"


def install() -> None:
    """Replace the wait for log lines, and the way of events."""
    script = runtime._PYTHON_WORKER_SCRIPT
    if script.count(_RESULT_WRITTEN) != 1 or script.count(_ERROR_WRITTEN) != 1:
        raise RuntimeError(
            "ministack's Python worker does not look as expected: check local/aws/seams/lambda_workers.py"
        )
    runtime._PYTHON_WORKER_SCRIPT = script.replace(
        _RESULT_WRITTEN,
        f"        sys.stderr.write({END_OF_LOG + chr(10)!r})\n        sys.stderr.flush()\n{_RESULT_WRITTEN}",
    ).replace(_ERROR_WRITTEN, _ERROR_WRITTEN.replace("str(e)", f"type(e).__name__ + {_NAME_ENDS!r} + str(e)"))
    wait_for_lines, execute = runtime.Worker._drain_stderr_bounded, service._execute_function_warm

    def drain_stderr_bounded(worker: Any, **waits: float) -> Any:
        is_python = str(worker.config.get("Runtime")).startswith("python")
        return _log_of_invocation(worker) if is_python else wait_for_lines(worker, **waits)

    runtime.Worker._drain_stderr_bounded = drain_stderr_bounded
    service._execute_function_warm = lambda *about: _with_its_name(execute(*about))
    eventbridge._dispatch_to_lambda = _deliver


def _deliver(arn: str, payload: str) -> None:
    """Invoke a rule's target with an event, in a thread of its own."""
    function, config, _ = service._get_func_record_for_ref(arn)
    if function and config:
        with for_event():
            service.invoke_async_with_retry(service._execution_record_for_config(function, config), json.loads(payload))


def _with_its_name(result: Any) -> Any:
    """Name the error of a function after its exception."""
    if not result.get("error"):
        return result
    name, found, message = str(result["body"].get("errorMessage")).partition(_NAME_ENDS)
    if not found:
        return result
    return {**result, "body": {**result["body"], "errorMessage": message, "errorType": name}}


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
