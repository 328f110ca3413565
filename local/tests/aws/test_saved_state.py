"""What is kept at the end, while something still writes."""

import copy
import sys
import threading

import pytest

from local.aws.seams.saved_state import TRIES, patiently


def test_state_that_changes_while_it_is_copied_is_copied_all_the_same() -> None:
    """As ministack does it: ``copy.deepcopy`` of a dictionary that another thread adds to for a while."""
    executions: dict[str, list[int]] = {str(number): [number] for number in range(20_000)}
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.0001):
            executions[f"more-{len(executions)}"] = []

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    writer = threading.Thread(target=write)
    writer.start()
    failures = 0

    def state() -> dict[str, list[int]]:
        nonlocal failures
        if failures == 3:
            over.set()
        try:
            return copy.deepcopy(executions)
        except RuntimeError:
            failures += 1
            raise

    try:
        copied = patiently(state)()
    finally:
        over.set()
        writer.join()
        sys.setswitchinterval(interval)
    assert failures > 0, "nothing was written meanwhile"
    assert len(copied) >= 20_000


def test_an_error_that_stays_is_told() -> None:
    asked = 0

    def broken() -> None:
        nonlocal asked
        asked += 1
        raise RuntimeError("for ever")

    with pytest.raises(RuntimeError, match="for ever"):
        patiently(broken)()
    assert asked == TRIES
