"""Every end of a task is announced on the event bus, in the documented form."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from functions.contracts.build_result import BuildResult
from functions.contracts.task import TaskKey, result_key
from functions.contracts.task_row import TaskRow
from functions.handlers import record_result
from functions.models.events import SCHEMAS, TaskEnded
from functions.tasks import events
from tests.support.aws_account import Account
from tests.support.bus import Breaker, Subscriber, breaker
from tests.support.events import LambdaContext
from tests.support.tasks import WORKSPACE, create, outcomes

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
TASK = "01a20fe6-bb1b-747b-ac1d-6d7ba8fb4677"
SUCCESS = BuildResult(
    outcome="succeeded",
    image_url="host/repo:tag",
    digest="sha256:" + "a" * 64,
    wasm_size=37_000_000,
    durations={"push": 1.25, "not a step": 1.0},
)


@pytest.fixture
def subscriber(account: Account) -> Iterator[Subscriber]:
    """Somebody who listens, and a pending task."""
    create(TASK, app_name="my-function")
    found = Subscriber()
    yield found
    found.close()


@pytest.fixture
def break_(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Makes operations of AWS fail."""
    return breaker(monkeypatch)


def record(account: Account, result: BuildResult) -> None:
    account.put(result_key(TASK), result.model_dump_json().encode())
    record_result.handler({"workspace_id": WORKSPACE, "task_id": TASK}, LambdaContext())


def test_done(account: Account, subscriber: Subscriber) -> None:
    record(account, SUCCESS)
    (detail,) = subscriber.received()
    event = TaskEnded.model_validate(detail)
    assert (event.task_id, event.workspace_id, event.app_name) == (TASK, WORKSPACE, "my-function")
    assert (event.status, event.cached, event.error) == ("done", False, None)
    assert event.result is not None
    assert event.result.image_url == "host/repo:tag"
    assert event.result.size == 37_000_000
    assert event.created_at <= event.ended_at


def test_failed_says_why_and_carries_no_password(account: Account, subscriber: Subscriber) -> None:
    record(account, BuildResult(outcome="failed", error="MyPy validation failed: 한글.py:1"))
    (detail,) = subscriber.received()
    assert (detail["status"], detail["result"]) == ("failed", None)
    assert detail["error"] == "MyPy validation failed: 한글.py:1"
    assert "sealed" not in json.dumps(detail)


def test_an_end_is_announced_once_however_often_it_is_reported(account: Account, subscriber: Subscriber) -> None:
    for _ in range(3):
        record(account, SUCCESS)
    outcomes().fail(TaskKey(WORKSPACE, TASK), "too late")
    outcomes().events.announce_end(TaskKey(WORKSPACE, TASK))
    assert len(subscriber.received()) == 1
    assert "unsettled" not in account.rows()[0]


def test_a_task_that_runs_is_not_announced(account: Account, subscriber: Subscriber) -> None:
    assert not outcomes().events.announce_end(TaskKey(WORKSPACE, TASK))
    assert not outcomes().events.announce_end(TaskKey(WORKSPACE, "no-such-task"))
    assert subscriber.received() == []
    assert account.rows()[0]["unsettled"] == "task"


def test_reused_builds_say_so(account: Account, subscriber: Subscriber) -> None:
    account.reset()
    create(TASK, status="done", result={"wasm_path": "s3://b/k", "image_url": "host/repo:tag", "cached": True})
    outcomes().reused(TaskKey(WORKSPACE, TASK))
    (detail,) = subscriber.received()
    assert (detail["status"], detail["cached"]) == ("done", True)


@pytest.mark.parametrize(
    ("operation", "tried_again"),
    [
        ("PutEvents", contextlib.nullcontext()),
        ("GetItem", pytest.raises(ClientError)),  # the build's slot cannot be given back either: the state tries again
    ],
)
def test_an_end_that_cannot_be_announced_stays_written(
    account: Account,
    subscriber: Subscriber,
    break_: Breaker,
    operation: str,
    tried_again: contextlib.AbstractContextManager[object],
) -> None:
    break_(operation)
    with tried_again:
        record(account, SUCCESS)
    break_("")
    assert account.rows()[0]["status"] == "done"
    assert account.rows()[0]["unsettled"] == "task"
    assert subscriber.received() == []
    assert outcomes().events.announce_end(TaskKey(WORKSPACE, TASK))
    assert len(subscriber.received()) == 1


def test_the_largest_event_fits(account: Account, subscriber: Subscriber) -> None:
    worst = "\x01" * 20_000  # six bytes each in JSON
    record(account, BuildResult(outcome="failed", error=worst))
    detail = events.event_of(TaskRow.from_item(account.rows()[0])).model_dump_json()
    assert len(detail.encode()) < 256 * 1024 - 1024


def test_metrics_of_an_end(account: Account, subscriber: Subscriber, capsys: pytest.CaptureFixture[str]) -> None:
    record(account, SUCCESS)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    measured = {(line.get("step"), line["service"]): line for line in lines}
    assert measured[(None, "tasks")]["TaskDone"] == [1.0]
    assert measured[("push", "tasks")]["BuildStepTime"] == [1.25]
    assert len(measured) == 2


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schemas_are_those_of_the_code(name: str) -> None:
    """Write them anew with: python -m functions.models.events"""
    published = json.loads((DOCS / name).read_text(encoding="utf-8"))
    assert published == SCHEMAS[name].model_json_schema(mode="serialization")
