"""An execution's end, as Step Functions has it: state machine timeouts, and nothing that goes on after the end.

ministack leaves a state machine's ``TimeoutSeconds`` unread; after StopExecution it retries and catches the errors of
the task that was running, and then overwrites ABORTED with FAILED; a Wait goes on; every execution starts 0.15 s late.
"""

import contextvars
import datetime
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from typing import Any, Final

from ministack.services import stepfunctions as service

Json = dict[str, Any]
ON_THEIR_WAY: Final = datetime.timedelta(minutes=1)
"""How long ago an execution may have ended whose event may not have arrived yet."""
START_DELAY: Final = 0.15
"""What ministack sleeps before an execution's first state."""


class Execution:
    """A running execution; ``ended`` resolves when it ends, however that comes about."""

    def __init__(self, record: Json) -> None:
        self.record = record
        self.ended: Future[None] = Future()
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether it still runs (an execution that was stopped does not, even while a task's thread does)."""
        return bool(self.record["status"] == "RUNNING")

    def end(self) -> None:
        """Wake everything that waits for the end."""
        with self._lock:
            if not self.ended.done():
                self.ended.set_result(None)

    def time_out(self) -> None:
        """End it with TIMED_OUT."""
        if not self.running:
            return
        self.record |= {"status": "TIMED_OUT", "stopDate": service.now_iso()}
        service._add_event(self.record, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        service._emit_execution_status_event(self.record)
        self.end()


_current: contextvars.ContextVar[Execution | None] = contextvars.ContextVar("execution", default=None)
_running: dict[str, Execution] = {}
_lost: list[Json] = []


def current() -> Execution | None:
    """Return the execution that the calling thread works for."""
    return _current.get()


def settle(timeout: float) -> None:
    """Wait until no execution is running, ``timeout`` seconds at most."""
    wait([execution.ended for execution in list(_running.values())], timeout)


def announce_lost() -> None:
    """Tell EventBridge of executions that ran when an earlier run of this process ended, and have failed by that.

    ministack marks them FAILED when it reads its state, without the event that every other end of an execution has.
    Those that ended last are told of once more: their events may have been on their way.
    """
    while _lost:
        service._emit_execution_status_event(_lost.pop())


def _untold(records: Iterable[Json]) -> list[Json]:
    """Find executions of an earlier run whose end may not be known to everybody."""
    moments = [
        (record, datetime.datetime.fromisoformat(record["stopDate"] or record["startDate"])) for record in records
    ]
    newest = max((moment for _, moment in moments), default=None)
    return [
        record
        for record, moment in moments
        if record["status"] == "RUNNING" or (newest is not None and newest - moment < ON_THEIR_WAY)
    ]


class _Clock:
    """The ``time`` module for ministack's stepfunctions: a sleep ends with the execution it belongs to."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        execution = current()
        if seconds == START_DELAY:
            return
        if execution is None:
            time.sleep(seconds)
            return
        ended = threading.Event()
        execution.ended.add_done_callback(lambda _: ended.set())
        ended.wait(seconds)


def install() -> None:
    """Replace how executions run, stop and fail."""
    service.time = _Clock()
    _follow_executions()
    _leave_ended_ones_alone()


def _follow_executions() -> None:
    run, stop, restore = service._run_execution, service._stop_execution, service._restore_state

    def run_execution(arn: str) -> None:
        record = service._executions.get(arn)
        if record is None:
            return
        execution = _running[arn] = Execution(record)
        token = _current.set(execution)
        timer = _timeout(execution)
        try:
            run(arn)
        finally:
            if timer is not None:
                timer.cancel()
            execution.end()
            _running.pop(arn, None)
            _current.reset(token)

    def stop_execution(request: Json) -> Any:
        response = stop(request)
        execution = _running.get(str(request.get("executionArn")))
        if execution is not None and not execution.running:
            execution.end()
        return response

    def restore_state(data: Json) -> None:
        untold = _untold(data["executions"].all_values())
        restore(data)
        _lost.extend(untold)

    service._run_execution = run_execution
    service._stop_execution = stop_execution
    service._restore_state = restore_state


def _leave_ended_ones_alone() -> None:
    fail = service._fail_execution
    find_retrier, find_catcher = service._find_matching_retrier, service._find_matching_catcher

    def fail_execution(record: Json, error: str, cause: str) -> None:
        if record["status"] == "RUNNING":
            fail(record, error, cause)

    service._fail_execution = fail_execution
    service._find_matching_retrier = lambda *about: (None, None) if _is_over() else find_retrier(*about)
    service._find_matching_catcher = lambda *about: None if _is_over() else find_catcher(*about)


def _is_over() -> bool:
    execution = current()
    return execution is not None and not execution.running


def _timeout(execution: Execution) -> threading.Timer | None:
    """Start the clock of the state machine's own TimeoutSeconds."""
    machine = service._state_machines.get(execution.record["stateMachineArn"])
    seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    if seconds is None:
        return None
    context = contextvars.copy_context()
    timer = threading.Timer(float(seconds), lambda: context.run(execution.time_out))
    timer.daemon = True
    timer.start()
    return timer
