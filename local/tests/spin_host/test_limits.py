"""What happens when a function takes too much, breaks, or leaves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.tests.spin_host.pods import Pod, start, wait_for


@pytest.fixture(scope="module")
def pod(sample: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """A pod with little time and memory."""
    state = tmp_path_factory.mktemp("state")
    running = Pod(start(sample, state, cache, "--timeout", "2", "--max-memory-mb", "96"))
    yield running
    running.stop()
    shutil.rmtree(state)


@pytest.mark.parametrize("path", ["/spin", "/sleep?seconds=60"])
def test_a_function_that_does_not_end_is_stopped(pod: Pod, path: str) -> None:
    response = pod.get(path)
    assert (response.status_code, response.text) == (504, "the function did not answer within 2 s\n")
    assert pod.get("/hello").status_code == 200


def test_sqlite_stops_at_the_time_limit(pod: Pod) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    assert pod.client.post("/sql", content=endless).status_code == 504


def test_a_function_that_ends_in_time_is_not(pod: Pod) -> None:
    assert pod.get("/sleep", seconds="0.2").text == "slept"


def test_memory_within_the_limit_and_beyond(pod: Pod) -> None:
    assert pod.get("/memory", megabytes=40).text == str(40 << 20)
    assert pod.get("/memory", megabytes=96).status_code == 500
    assert pod.get("/hello").status_code == 200


def test_a_crash_is_an_empty_500_with_its_reason_in_the_log(pod: Pod) -> None:
    response = pod.get("/crash")
    assert (response.status_code, response.content) == (500, b"")
    wait_for(pod.errors, "GET /crash: the function crashed: ")
    assert pod.get("/hello").status_code == 200


def test_an_exception_is_a_500_with_its_traceback_in_the_log(pod: Pod) -> None:
    assert pod.get("/raises").status_code == 500
    wait_for(pod.errors, "RuntimeError: this is a bug in the function\n")


def test_leaving_without_an_answer(pod: Pod) -> None:
    response = pod.get("/leave")
    assert (response.status_code, response.content) == (500, b"")
    wait_for(pod.errors, "GET /leave: the function exited with an error status after ")


def test_what_a_function_prints_is_the_pods_log(pod: Pod) -> None:
    assert pod.get("/print").text == "printed"
    wait_for(pod.lines, "to standard output\n")
    wait_for(pod.errors, "to standard error\n")
