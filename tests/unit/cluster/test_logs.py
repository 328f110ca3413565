"""GET /api/v1/apps/{namespace}/{app_name}/logs, and the last crash in the state of an app."""

import datetime
from typing import Any

import pytest

from functions.cluster.crashes import last_crash
from functions.cluster.logs import Line
from functions.cluster.resources import DEPLOYMENTS, PODS
from tests.unit.cluster.clusters import StandIn
from tests.unit.cluster.conftest import IMAGE, Answer, Deploy, deployed, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

pytestmark = pytest.mark.stand_in_only("there is no kubelet that has logs")
NAME = "my-function"
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/1/spin_sdk/http/__init__.py", line 91, in handle',
    "    simple_response = self.handle_request(Request(",
    '  File "/0/app.py", line 12, in handle_request',
    '    return names["missing"]',
    "KeyError: 'missing'",
)


def at(second: int, text: str) -> str:
    """A line of today's, in the log's form."""
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}T00:00:{second:02}.000000001Z {text}"


@pytest.fixture(autouse=True)
def app(deploy: Deploy) -> None:
    """An app that is deployed."""
    deploy(app_name=NAME)


@pytest.fixture
def cluster(server: KubernetesServer) -> StandIn:
    """The cluster itself, whose pods print."""
    assert isinstance(server._cluster, StandIn)
    return server._cluster


def pod(kubectl: Administrator, name: str, *containers: str) -> dict[str, Any]:
    """A pod of the app; made through the API."""
    labels = {"core.spinkube.dev/app-name": NAME, f"core.spinkube.dev/app.{NAME}.status": "ready"}
    spec = {"containers": [{"name": each, "image": deployed(IMAGE)} for each in containers or (NAME,)]}
    return kubectl.create(PODS, name, spec, labels=labels)


def ask(kubectl: Administrator, headers: dict[str, str] | None = None, **query: str) -> Answer:
    path = f"/api/v1/apps/{kubectl.namespace}/{NAME}/logs"
    return invoke_raw("", method="GET", path=path, query=query, headers=headers or {})


def messages(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [line["message"] for line in answer.body["lines"]]


def test_lines_of_all_replicas_are_in_the_order_of_time(kubectl: Administrator, cluster: StandIn) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "one"), at(3, "three, from the first")])
    cluster.prints(pod(kubectl, "pod-2"), [at(2, "two")])
    answer = ask(kubectl)
    assert messages(answer) == ["one", "two", "three, from the first"]
    assert [line["replica"] for line in answer.body["lines"]] == ["pod-1", "pod-2", "pod-1"]
    assert answer.body["cut"] is False
    assert answer.body["next"] == answer.body["lines"][-1]["timestamp"]
    assert {replica["name"] for replica in answer.body["replicas"]} == {"pod-1", "pod-2"}


def test_one_replica_is_picked_and_another_one_not_found(kubectl: Administrator, cluster: StandIn) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "one")])
    cluster.prints(pod(kubectl, "pod-2"), [at(2, "two")])
    assert messages(ask(kubectl, replica="pod-2")) == ["two"]
    answer = ask(kubectl, replica="pod-3")
    assert answer.status == 404
    assert "has no replica 'pod-3'" in answer.detail


@pytest.mark.parametrize(("tail", "cut"), [(1, True), (2, True), (3, True), (4, False)])
def test_the_newest_lines_are_kept(kubectl: Administrator, cluster: StandIn, tail: int, *, cut: bool) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(n, str(n)) for n in (1, 2, 3)])
    answer = ask(kubectl, tail=str(tail))
    assert messages(answer) == ["1", "2", "3"][-tail:]
    assert answer.body["cut"] is cut


def test_only_later_lines_than_a_time_to_the_nanosecond(kubectl: Administrator, cluster: StandIn) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "before"), at(2, "that one"), at(2, "after").replace("01Z", "02Z")])
    since = at(2, "").strip()
    assert messages(ask(kubectl, since=since)) == ["after"]
    last = ask(kubectl, since=since).body["next"]
    answer = ask(kubectl, since=last)
    assert (answer.body["lines"], answer.body["next"]) == ([], last)


@pytest.mark.parametrize("since", ["yesterday", "10", "-1s", "10d", "2026-01-02", "2026-01-02T03:04:05+09:00"])
def test_what_is_no_time(kubectl: Administrator, since: str) -> None:
    assert ask(kubectl, since=since).status == 422


def test_a_day_that_does_not_exist(kubectl: Administrator) -> None:
    answer = ask(kubectl, since="2026-02-30T00:00:00Z")
    assert answer.status == 422
    assert "there is no such day" in answer.detail


@pytest.mark.parametrize("tail", ["0", "2001"])
def test_limits_of_a_request(kubectl: Administrator, tail: str) -> None:
    assert ask(kubectl, tail=tail).status == 422


def test_the_log_before_a_restart(kubectl: Administrator, cluster: StandIn) -> None:
    made = pod(kubectl, "pod-1")
    assert "previous terminated container" in str(ask(kubectl, previous="true").body["replicas"])
    cluster.prints(made, [at(1, "before")])
    cluster.prints(made, [at(2, "now")], run=1)
    assert messages(ask(kubectl)) == ["now"]
    assert messages(ask(kubectl, previous="true")) == ["before"]


def test_a_container_that_has_not_started_is_told(kubectl: Administrator) -> None:
    pod(kubectl, "pod-1")
    answer = ask(kubectl)
    assert messages(answer) == []
    (replica,) = answer.body["replicas"]
    assert "is waiting to start" in replica["note"]


def test_the_functions_own_container_is_read(kubectl: Administrator, cluster: StandIn) -> None:
    made = pod(kubectl, "pod-1", NAME, "proxy-of-a-mesh")
    cluster.prints(made, [at(1, "the function")])
    assert messages(ask(kubectl)) == ["the function"]


def test_an_app_that_no_pod_runs(kubectl: Administrator) -> None:
    answer = ask(kubectl)
    assert (answer.body["replicas"], answer.body["lines"], answer.body["next"]) == ([], [], None)


def test_pods_of_another_workload_of_the_name_are_not_read(
    call: Deploy, kubectl: Administrator, cluster: StandIn
) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "one")])
    kubectl.patch(DEPLOYMENTS, NAME, {"metadata": {"ownerReferences": None}})
    answer = ask(kubectl)
    assert (messages(answer), answer.body["replicas"]) == ([], [])
    assert call("GET", f"/{NAME}").body["problems"] == []


def test_an_app_that_is_not_there(kubectl: Administrator) -> None:
    path = f"/api/v1/apps/{kubectl.namespace}/another/logs"
    assert invoke_raw("", method="GET", path=path).status == 404


def test_an_answer_is_bounded_and_has_the_newest_lines(kubectl: Administrator, cluster: StandIn) -> None:
    for number in range(3):
        lines = [at(n // 60, f"{n} {'x' * 3000}") for n in range(1500)]
        cluster.prints(pod(kubectl, f"pod-{number}"), lines)
    answer = ask(kubectl, tail="2000")
    assert 500_000 < len(answer.text) < 3_000_000
    assert answer.body["cut"] is True
    assert messages(answer)[-1].startswith("1499 ")


def test_replicas_beyond_the_newest_ten_are_named(kubectl: Administrator, cluster: StandIn) -> None:
    for number in range(11):
        cluster.prints(pod(kubectl, f"pod-{number:02}"), [at(number, str(number))])
    answer = ask(kubectl)
    assert len(messages(answer)) == 10
    assert [bool(replica["note"]) for replica in answer.body["replicas"]] == [False] * 10 + [True]


def test_frames_of_the_runtime_are_left_out(kubectl: Administrator, cluster: StandIn) -> None:
    backtrace = ["error while executing at wasm backtrace:", "    0: 0x5ac0 - <unknown>!wit-component:shim", "end"]
    cluster.prints(pod(kubectl, "pod-1"), [at(n, text) for n, text in enumerate(backtrace)])
    assert messages(ask(kubectl)) == [backtrace[0], backtrace[2]]


def test_plain_text(kubectl: Administrator, cluster: StandIn) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "한글"), at(2, "two")])
    answer = ask(kubectl, {"accept": "text/plain"})
    assert answer.text == f"{at(1, '한글')}\n{at(2, 'two')}\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    link = answer.headers["Link"]
    assert link.startswith(f"</api/v1/apps/{kubectl.namespace}/{NAME}/logs?since=")
    assert link.endswith('>; rel="next"')


def test_the_last_crash_is_a_problem_of_an_app_that_serves(
    call: Deploy, kubectl: Administrator, cluster: StandIn
) -> None:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    kubectl.patch(DEPLOYMENTS, NAME, {"status": status}, "/status")
    now = datetime.datetime.now(datetime.UTC)
    old = now - datetime.timedelta(hours=2)
    crash = [f"{now:%Y-%m-%dT%H:%M:%S}.000000001Z {text}" for text in TRACEBACK]
    cluster.prints(pod(kubectl, "pod-1"), crash)
    cluster.prints(pod(kubectl, "pod-2"), [line.replace(f"{now:%Y-%m-%dT%H}", f"{old:%Y-%m-%dT%H}") for line in crash])
    (problem,) = call("GET", f"/{NAME}").body["problems"]
    assert problem == {
        "pod": "pod-1",
        "reason": "FunctionCrashed",
        "message": f"KeyError: 'missing' (app.py:12, in handle_request). At {now:%Y-%m-%dT%H:%M:%S}Z",
    }


def test_an_app_is_told_without_logs_that_cannot_be_read(
    call: Deploy, kubectl: Administrator, cluster: StandIn, server: KubernetesServer
) -> None:
    cluster.prints(pod(kubectl, "pod-1"), [at(1, "one")])
    server.fail(verb="get", plural="pods/log", status=403, reason="Forbidden", times=9)
    answer = call("GET", f"/{NAME}")
    assert (answer.status, answer.body["problems"]) == (200, [])
    assert ask(kubectl).status == 502


LINES = [Line(f"2026-01-02T03:04:{n:02}.000000000Z", "pod-1", text) for n, text in enumerate(TRACEBACK)]


def test_the_newest_of_several_crashes() -> None:
    older = [Line("2026-01-02T03:04:00.000000000Z", "pod-1", text.replace("missing", "older")) for text in TRACEBACK]
    assert (last_crash([*older, *LINES]) or "").startswith("KeyError: 'missing'")


STOPPED = (
    "Traceback (most recent call last):",
    '  File "/1/spin_sdk/http/__init__.py", line 106, in handle',
    "AttributeError: 'str' object has no attribute 'headers'",
    "",
    "Python function threw an unexpected exception",
    "error while executing at wasm backtrace:",
    "    wasm trap: wasm `unreachable` instruction executed",
)


def test_an_error_that_stopped_the_component() -> None:
    told = last_crash([Line("2026-01-02T03:04:00.000000000Z", "pod-1", text) for text in STOPPED])
    assert told == (
        "AttributeError: 'str' object has no attribute 'headers' (spin_sdk/http/__init__.py:106, in handle). "
        "Does handle_request return a Response? At 2026-01-02T03:04:00Z"
    )


def test_a_trap_that_is_no_python_error() -> None:
    told = last_crash([*LINES, Line("2026-01-02T03:04:59.000000000Z", "pod-1", STOPPED[-1])])
    assert told == (
        "The function stopped without a Python error (wasm trap: wasm `unreachable` instruction executed). "
        "At 2026-01-02T03:04:59Z"
    )


def test_a_traceback_that_is_cut_off() -> None:
    assert last_crash(LINES[:1]) == "A Python error. At 2026-01-02T03:04:00Z"


def test_lines_without_a_crash() -> None:
    assert last_crash([Line("2026-01-02T03:04:00.000000000Z", "pod-1", "KeyError: not one")]) is None
