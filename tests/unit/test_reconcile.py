"""Tasks that nothing else would end: each is brought to its end, once, by repeated runs of the reconciler."""

import datetime
import json
from collections.abc import Iterator

import boto3
import pytest

from functions.contracts import settings
from functions.contracts.build_result import BuildResult
from functions.contracts.task import RowField, TaskKey, result_key
from functions.contracts.timestamps import timestamp
from functions.handlers import reconcile
from functions.tasks import reconciliation, unsettled
from functions.tasks.executions import Executions
from functions.tasks.reconciliation import Step
from functions.tasks.settings import ReconcilerSettings
from tests.support.aws_account import TABLE, Account
from tests.support.bus import Breaker, Subscriber, breaker
from tests.support.events import LambdaContext
from tests.support.tasks import WORKSPACE, create, outcomes

MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def subscriber(account: Account) -> Iterator[Subscriber]:
    """Somebody who listens to the event bus."""
    found = Subscriber()
    yield found
    found.close()


@pytest.fixture
def break_(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Makes operations of AWS fail."""
    return breaker(monkeypatch)


def task(account: Account, age: datetime.timedelta, number: int = 0, **fields: object) -> str:
    """A pending task of that age."""
    made = datetime.datetime.now(datetime.UTC) - age
    milliseconds = f"{int(made.timestamp() * 1000):012x}"
    task_id = f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-{number:012x}"
    row = create(task_id)
    account.change(row.to_item(), created_at=timestamp(made), updated_at=timestamp(made), **fields)
    return task_id


def start(account: Account, task_id: str) -> str:
    executions = Executions(account.state_machine_arn)
    executions.start(TaskKey(WORKSPACE, task_id), file_name="app.py", app_name=None)
    return executions.arn(task_id)


def abort(account: Account, task_id: str) -> None:
    boto3.client("stepfunctions").stop_execution(executionArn=start(account, task_id))


def run() -> dict[str, int]:
    """One scheduled run; what it did, without the zeros."""
    counts: dict[str, int] = reconcile.handler({}, PlentyOfTime())
    return {name: count for name, count in counts.items() if count}


class PlentyOfTime(LambdaContext):
    """The reconciler's own time limit is five minutes."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def row(account: Account, task_id: str) -> dict[str, object]:
    (found,) = [row for row in account.rows() if row["task_id"] == task_id]
    return found


def test_an_execution_that_never_started_is_started(account: Account) -> None:
    task_id = task(account, 10 * MINUTE)
    assert run() == {"OpenTasks": 1, Step.STARTED: 1}
    assert account.executions() == [task_id]
    assert run() == {"OpenTasks": 1}, "it runs: nothing more to do"
    assert row(account, task_id)["status"] == "pending"


def test_after_an_hour_it_is_ended_instead(account: Account, subscriber: Subscriber) -> None:
    task_id = task(account, HOUR + MINUTE)
    assert run() == {"OpenTasks": 1, Step.ENDED: 1}
    assert account.executions() == []
    assert "Upload the file again" in str(row(account, task_id)["error"])
    assert "registry_credentials" not in row(account, task_id)
    assert [event["task_id"] for event in subscriber.received()] == [task_id]
    assert run() == {}


def test_a_young_task_is_left_to_its_submission(account: Account) -> None:
    task(account, MINUTE)
    assert run() == {}
    assert account.executions() == []


def test_an_execution_that_ended_without_its_task(account: Account, subscriber: Subscriber) -> None:
    task_id = task(account, 10 * MINUTE, status="building")
    abort(account, task_id)
    assert run() == {"OpenTasks": 1, Step.ENDED: 1}
    assert "stopped by an operator" in str(row(account, task_id)["error"])
    assert len(subscriber.received()) == 1
    assert run() == {}


def test_the_builders_report_is_what_counts(account: Account, subscriber: Subscriber) -> None:
    task_id = task(account, 10 * MINUTE, status="pushing")
    abort(account, task_id)
    report = BuildResult(outcome="succeeded", image_url="host/repo:tag")
    account.put(result_key(task_id), report.model_dump_json().encode())
    run()
    assert row(account, task_id)["status"] == "done"
    assert [event["status"] for event in subscriber.received()] == ["done"]


@pytest.mark.parametrize(("over", "ended"), [(29 * MINUTE, False), (31 * MINUTE, True)])
def test_an_upload_that_never_came(account: Account, over: datetime.timedelta, ended: bool) -> None:
    until = datetime.datetime.now(datetime.UTC) - over
    task_id = task(account, 2 * HOUR, upload_expires_at=int(until.timestamp()))
    assert run() == ({"OpenTasks": 1, Step.ENDED: 1} if ended else {"OpenTasks": 1})
    assert ("The upload did not arrive" in str(row(account, task_id).get("error"))) is ended
    assert account.executions() == [], "there is nothing to build"


def test_an_upload_whose_build_ended_is_judged_by_its_build(account: Account) -> None:
    task_id = task(account, 2 * HOUR, upload_expires_at=1, status="building")
    abort(account, task_id)
    run()
    assert "stopped by an operator" in str(row(account, task_id)["error"])


def test_an_end_that_was_not_announced_is(account: Account, subscriber: Subscriber, break_: Breaker) -> None:
    task_id = task(account, 10 * MINUTE)
    break_("PutEvents")
    outcomes().fail(TaskKey(WORKSPACE, task_id), "why")
    assert run() == {"OpenTasks": 1}, "whoever ended it may be announcing it now"
    account.change(row(account, task_id), updated_at="2026-01-01T00:00:00.000Z")
    assert run() == {"OpenTasks": 1, Step.FAILED: 1}
    break_("")
    assert run() == {"OpenTasks": 1, Step.ANNOUNCED: 1}
    assert [event["error"] for event in subscriber.received()] == ["why"]
    assert run() == {}


def test_one_that_cannot_be_helped_does_not_keep_others_from_it(account: Account) -> None:
    task(account, 3 * HOUR, status="a status of the future")
    other = task(account, 2 * HOUR, number=1)
    assert run() == {"OpenTasks": 2, "StuckTasks": 1, Step.FAILED: 1, Step.ENDED: 1}
    assert row(account, other)["status"] == "failed"


def test_a_row_without_its_fields_is_reported_as_stuck(account: Account) -> None:
    task_id = task(account, 3 * HOUR)
    broken = {name: value for name, value in row(account, task_id).items() if name != RowField.STATUS}
    boto3.resource("dynamodb").Table(TABLE).put_item(Item=broken)  # type: ignore[arg-type]  # a row as it was read
    assert run() == {"OpenTasks": 1, "StuckTasks": 1, Step.FAILED: 1}


def test_a_service_that_is_down_is_tried_again_by_the_next_run(account: Account, break_: Breaker) -> None:
    task_id = task(account, 10 * MINUTE)
    break_("StartExecution")
    assert run() == {"OpenTasks": 1, Step.FAILED: 1}
    break_("")
    assert run() == {"OpenTasks": 1, Step.STARTED: 1}
    assert account.executions() == [task_id]


def test_running_longer_than_the_state_machine_lets_anything_run(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(account, task(account, 10 * MINUTE))
    assert run() == {"OpenTasks": 1}
    monkeypatch.setenv("STUCK_AFTER_MINUTES", "-1")
    settings.reset()
    assert run() == {"OpenTasks": 1, "StuckTasks": 1}


def test_a_run_is_bounded_and_the_next_goes_on(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "MOST_STEPS", 2)
    for number in range(5):
        task(account, 2 * HOUR, number)
    ended = []
    while counts := run():
        ended.append(counts[Step.ENDED])
    assert ended == [2, 2, 1]


def test_a_run_without_time_does_nothing(account: Account) -> None:
    task(account, 2 * HOUR)
    now = datetime.datetime.now(datetime.UTC)
    findings = reconciliation.reconcile(ReconcilerSettings.read(), now, lambda: False)
    assert not findings.complete
    assert findings.steps == {}


def test_more_tasks_than_one_page_of_the_index_holds(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsettled, "PAGE", 3)
    for number in range(10):
        start(account, task(account, 10 * MINUTE, number))
    assert run() == {"OpenTasks": 10}


def test_what_an_operator_sees(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    task(account, 2 * HOUR)
    run()
    printed = capsys.readouterr().out.splitlines()
    (measured,) = [json.loads(line) for line in printed if "_aws" in line and "StuckTasks" in line]
    assert {"service", "OpenTasks", "StuckTasks", *Step} <= measured.keys()
