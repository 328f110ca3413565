"""One workspace's burst of builds does not make another wait for all of it, and no slot stays lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.tasks.identifiers import new_task_id
from functions.tasks.slot_pools import MOST_POOLS, SLOT, queue_key, slots_key
from tests.e2e.test_execution_history import story
from tests.support.client import EXAMPLES, Client

HELLO = (EXAMPLES / "hello" / "app.py").read_bytes()
ENDLESS = HELLO + b"\n\nimport time\n\nx = 1\nwhile x:\n    time.sleep(1)\n"
"""Imported by the build, which never ends."""
SLOTS = 2
"""Of the one-machine cloud."""


def slots(cloud: Client) -> dict[str, Any]:
    """The item of the slots."""
    key = {name: {"S": value} for name, value in slots_key(0).items()}
    item: dict[str, Any] = (
        cloud.aws("dynamodb")
        .get_item(TableName=cloud.outputs["TaskTable"], Key=key, ConsistentRead=True)
        .get("Item", {})
    )
    return item


def holders(cloud: Client) -> set[str]:
    """Tasks that hold a slot."""
    return {name.removeprefix(SLOT) for name in slots(cloud) if name.startswith(SLOT)}


def change_slots(cloud: Client, expression: str, names: dict[str, str], values: dict[str, Any]) -> None:
    """Write what somebody who broke off would have left behind."""
    cloud.aws("dynamodb").update_item(
        TableName=cloud.outputs["TaskTable"],
        Key={name: {"S": value} for name, value in slots_key(0).items()},
        UpdateExpression=f"{expression} ADD version :one",
        ExpressionAttributeValues={":one": {"N": "1"}, **values},
        **({"ExpressionAttributeNames": names} if names else {}),
    )


def cancel(cloud: Client, task_id: str, workspace_id: str) -> None:
    cloud.http.delete(f"/api/v1/tasks/{task_id}", params={"workspace_id": workspace_id}).raise_for_status()


def ahead(cloud: Client, task_id: str, workspace_id: str) -> Any:
    return cloud.task(task_id, workspace_id)["queued_ahead"]


def waits(cloud: Client, task_id: str) -> bool:
    """Whether the task is in the queue."""
    key = {name: {"S": value} for name, value in queue_key(0, task_id).items()}
    return "Item" in cloud.aws("dynamodb").get_item(TableName=cloud.outputs["TaskTable"], Key=key, ConsistentRead=True)


@pytest.fixture(autouse=True)
def all_slots_are_free(cloud: Client) -> Iterator[None]:
    cloud.until(lambda: not holders(cloud))
    yield
    cloud.until(lambda: not holders(cloud))


def test_a_burst_lets_another_workspace_go_second(cloud: Client) -> None:
    burst = [cloud.start("app.py", ENDLESS, workspace_id="burst") for _ in range(SLOTS)]
    cloud.until(lambda: holders(cloud) == set(burst))
    burst += [cloud.start("app.py", ENDLESS, workspace_id="burst") for _ in range(6 - SLOTS)]
    cloud.until(lambda: all(waits(cloud, task_id) for task_id in burst[SLOTS:]))
    late = cloud.start("app.py", HELLO, workspace_id="late")
    cloud.until(lambda: waits(cloud, late))
    assert ahead(cloud, late, "late") == 0
    assert [ahead(cloud, task_id, "burst") for task_id in burst[SLOTS:]] == [1, 2, 3, 4]

    cancel(cloud, burst[0], "burst")
    cloud.until(lambda: late in holders(cloud))
    assert all(waits(cloud, task_id) for task_id in burst[SLOTS:])
    assert cloud.wait(late, "late")["status"] == "done"
    _, states = story(cloud, late)
    assert list(states)[:4] == ["MarkQueued", "TakeSlot", "WaitForSlot", "BuildAndPush"]
    assert states["BuildAndPush"]["waited_seconds"] >= 0
    # Its slot goes to the burst again, whose oldest build it is the turn of.
    cloud.until(lambda: holders(cloud) == set(burst[1:3]))

    for task_id in reversed(burst[1:]):
        cancel(cloud, task_id, "burst")
    cloud.until(lambda: not any(waits(cloud, task_id) for task_id in burst))
    assert {cloud.task(task_id, "burst")["error"] for task_id in burst} == {"The build was cancelled."}


def test_a_build_serves_itself_where_somebody_only_seemed_to_wait(cloud: Client) -> None:
    change_slots(cloud, "SET waiting = :yes", {}, {":yes": {"BOOL": True}})
    task_id = cloud.start("app.py", HELLO, workspace_id="serves-itself")
    assert cloud.wait(task_id, "serves-itself")["status"] == "done"
    assert "waiting" not in slots(cloud)


def test_slots_and_waits_that_were_lost_are_found_again(cloud: Client) -> None:
    # Of tasks that are gone.
    names = {f"#slot{number}": SLOT + new_task_id() for number in range(SLOTS)}
    lost = ", ".join(f"{name} = :workspace" for name in names)
    values = {":workspace": {"S": "gone"}, ":taken": {"N": str(SLOTS)}}
    change_slots(cloud, f"SET {lost}, taken = :taken", names, values)
    task_id = cloud.start("app.py", HELLO, workspace_id="found-again")
    cloud.until(lambda: waits(cloud, task_id) or task_id in holders(cloud))
    # It waits in a pool, too, that there is no more.
    item = {**queue_key(MOST_POOLS - 1, task_id), "of_workspace": "found-again"}
    cloud.aws("dynamodb").put_item(
        TableName=cloud.outputs["TaskTable"],
        Item={"since": {"N": "1"}, **{name: {"S": value} for name, value in item.items()}},
    )
    answer = cloud.aws("lambda").invoke(FunctionName=cloud.outputs["ReconcileFunction"])
    assert "FunctionError" not in answer
    assert cloud.wait(task_id, "found-again")["status"] == "done"
