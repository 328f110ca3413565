"""What happens when a function takes too much, breaks, or leaves."""

import time

import pytest

from tests.local.functions.pods import Pod


@pytest.mark.parametrize("path", ["/spin", "/sleep?seconds=60"])
def test_a_function_that_does_not_end_is_stopped(pod: Pod, path: str) -> None:
    response = pod.get(path)
    assert (response.status_code, response.text) == (504, "the function did not answer within 3 s\n")
    assert pod.get("/hello").status_code == 200


def test_a_function_that_ends_in_time_is_not(pod: Pod) -> None:
    assert pod.get("/sleep", seconds="2").text == "slept"


def test_memory_within_the_limit_and_beyond(pod: Pod) -> None:
    assert pod.get("/memory", megabytes=40).text == str(40 << 20)
    assert pod.get("/memory", megabytes=96).status_code == 500
    assert pod.get("/hello").status_code == 200


def test_a_crash_is_named_without_the_machines_paths(pod: Pod) -> None:
    response = pod.get("/crash")
    assert response.status_code == 500
    assert response.text.startswith("the function crashed: ")
    assert "/" not in response.text
    assert pod.get("/hello").status_code == 200


def test_an_exception_is_a_500_with_its_traceback_in_the_log(pod: Pod) -> None:
    assert pod.get("/raises").status_code == 500
    _wait_for(pod.errors, "RuntimeError: this is a bug in the function\n")


def test_leaving_without_an_answer(pod: Pod) -> None:
    response = pod.get("/leave")
    assert (response.status_code, response.text) == (500, "the function exited with an error status\n")


def test_what_a_function_prints_is_the_pods_log(pod: Pod) -> None:
    assert pod.get("/print").text == "printed"
    _wait_for(pod.lines, "to standard output\n")
    _wait_for(pod.errors, "to standard error\n")


def _wait_for(lines: list[str], line: str) -> None:
    deadline = time.monotonic() + 10
    while line not in lines and time.monotonic() < deadline:
        time.sleep(0.02)
    assert line in lines
