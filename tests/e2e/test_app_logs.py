"""What a developer reads of a deployed function that misbehaves."""

import re
from typing import Any

import pytest

from tests.support.client import Client

SOURCE = b'''"""Answers, or fails in one of two ways."""

from typing import Any

from spin_sdk.http import IncomingHandler as Base
from spin_sdk.http import Request, Response


def look_up(names: dict[str, str], name: str) -> str:
    return names[name]


class IncomingHandler(Base):
    def handle_request(self, request: Request) -> Response:
        print(f"asked for {request.uri}")
        if request.uri == "/crash":
            return Response(200, {}, look_up({}, "missing").encode())
        if request.uri == "/text":
            answer: Any = "no response at all"
            return answer
        return Response(200, {}, b"fine")
'''
APP = "talkative"
PATH = f"/api/v1/apps/default/{APP}"


@pytest.fixture(scope="module")
def talkative(cloud: Client) -> str:
    """A function that has answered once, and crashed once."""
    image = cloud.image(cloud.start("app.py", SOURCE, app_name=APP))
    answer = cloud.deploy(app_name=APP, namespace="default", image_ref=image, wait=True)
    assert answer.status_code == 200, answer.text
    assert cloud.call(APP, "/hello").text == "fine"
    assert cloud.call(APP, "/crash").status_code == 500
    return APP


def log(cloud: Client, **query: str | int) -> dict[str, Any]:
    answer = cloud.http.get(f"{PATH}/logs", params=query)
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


@pytest.mark.usefixtures("talkative")
def test_what_it_printed_is_told_by_replica_and_time(cloud: Client) -> None:
    read = log(cloud, wait=10)
    (replica,) = read["replicas"]
    messages = [line["message"] for line in read["lines"]]
    assert "asked for /hello" in messages
    assert {line["replica"] for line in read["lines"]} == {replica["name"]}
    assert (replica["note"], read["cut"]) == (None, False)
    times = [line["timestamp"] for line in read["lines"]]
    assert times == sorted(times)
    assert read["next"] == times[-1]


@pytest.mark.usefixtures("talkative")
def test_the_last_crash_is_a_problem_with_its_python_line(cloud: Client) -> None:
    state = cloud.http.get(PATH).json()
    assert state["status"] == "available"
    (problem,) = state["problems"]
    assert problem["reason"] == "FunctionCrashed"
    assert re.fullmatch(r"KeyError: 'missing' \(app\.py:10, in look_up\)\. At [0-9T:\-]{19}Z", problem["message"]), (
        problem["message"]
    )


@pytest.mark.usefixtures("talkative")
def test_later_lines_follow_and_are_waited_for(cloud: Client) -> None:
    following = log(cloud)["next"]
    assert log(cloud, since=following)["lines"] == []
    cloud.call(APP, "/later")
    lines = log(cloud, since=following, wait=10)["lines"]
    assert [line["message"] for line in lines] == ["asked for /later"]
    assert log(cloud, since="1h", tail=1)["lines"] == lines


@pytest.mark.usefixtures("talkative")
def test_as_plain_text(cloud: Client) -> None:
    answer = cloud.http.get(f"{PATH}/logs", params={"tail": 2000}, headers={"accept": "text/plain"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert re.search(r"^[0-9T:.\-]{29}Z asked for /hello$", answer.text, re.MULTILINE)
    following = answer.links["next"]["url"]
    assert cloud.http.get(following, headers={"accept": "text/plain"}).text == ""


@pytest.mark.usefixtures("talkative")
def test_there_is_no_log_before_the_first_restart(cloud: Client) -> None:
    read = log(cloud, previous="true")
    assert read["lines"] == []
    assert "previous terminated container" in read["replicas"][0]["note"]


@pytest.mark.usefixtures("talkative")
def test_an_answer_of_the_wrong_type(cloud: Client) -> None:
    following = log(cloud)["next"]
    assert cloud.call(APP, "/text").status_code == 500
    messages = [line["message"] for line in log(cloud, since=following, wait=10)["lines"]]
    assert not any(" 0x" in message for message in messages)
    (problem,) = cloud.http.get(PATH).json()["problems"]
    assert problem["message"].startswith("AttributeError: 'str' object has no attribute 'headers' (spin_sdk/")
    assert "Does handle_request return a Response?" in problem["message"]


def test_requests_errors_and_latency_are_measured(cloud: Client, talkative: str) -> None:
    """Of an app of its own, which nobody else calls: what was asked is counted once."""
    image = cloud.http.get(PATH).json()["image"]
    deployed = cloud.deploy(app_name="measured", namespace="default", image_ref=image, wait=True)
    assert deployed.status_code == 200, deployed.text
    path = "/api/v1/apps/default/measured/metrics"
    before = cloud.http.get(path).json()
    assert (before["measured"], before["requests"], before["points"]) == (True, None, [])
    assert [cloud.call("measured", at).status_code for at in ("/hello", "/crash", "/hello")] == [200, 500, 200]
    cloud.until(lambda: cloud.http.get(path).json()["requests"] == 3)
    measured = cloud.http.get(path).json()
    assert (measured["errors"], measured["note"]) == (1, None)
    assert sum(point["requests"] for point in measured["points"]) == 3
    assert 0 < measured["points"][-1]["latency_p50_ms"] <= measured["points"][-1]["latency_p99_ms"]
    assert (measured["replicas"]["ready"], measured["replicas"]["restarts"]) == (1, 0)
