"""Lists, logs, waits, cancellation, idempotency, announced uploads and reuse, over HTTP on the running cloud.

Builds here ship their component, so that they take a second and not ten.
"""

import functools
import hashlib
import threading
import time
from typing import Any

import httpx
import pytest

from tests.support.client import Client, spin_toml, zipped

COMPONENT = b"\0asm\x0d\0\x01\0"
"""The smallest component there is: its magic and version."""


@functools.cache
def app(comment: str) -> bytes:
    """A .zip with a component; another comment makes another source, the same one the same bytes (times included)."""
    return zipped(**{"spin.toml": spin_toml(None) + f"# {comment}\n".encode(), "app.wasm": COMPONENT})


def get(cloud: Client, path: str, **query: Any) -> httpx.Response:
    return cloud.http.get(f"/api/v1{path}", params=query)


def announce(cloud: Client, workspace_id: str, content: bytes, **changed: Any) -> httpx.Response:
    body = {
        "workspace_id": workspace_id,
        "file_name": "app.zip",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return cloud.http.post("/api/v1/uploads", json=body | changed)


def test_the_same_source_is_done_in_under_a_second(cloud: Client) -> None:
    first = cloud.wait(cloud.start("app.zip", app("reuse"), workspace_id="reuse"), "reuse")
    assert first["status"] == "done", first["error"]
    started = len(cloud.executions())
    second = cloud.task(cloud.start("app.zip", app("reuse"), workspace_id="reuse"), "reuse")
    assert second["status"] == "done"
    assert second["result"]["cached"] is True
    assert second["result"]["digest"] == first["result"]["digest"]
    assert len(cloud.executions()) == started
    elsewhere = cloud.wait(cloud.start("app.zip", app("reuse"), workspace_id="reuse-2"), "reuse-2")
    assert elsewhere["result"]["cached"] is False


def test_an_announced_upload_is_held_to_its_word_and_built_by_itself(cloud: Client) -> None:
    content = app("announced")
    answer = announce(cloud, "announced", content)
    assert answer.status_code == 201, answer.text
    task_id, target = answer.json()["task_id"], answer.json()["upload"]
    other = bytes(reversed(content))
    assert httpx.put(target["url"], content=other, headers=target["headers"]).status_code == 400
    longer = {**target["headers"], "Content-Length": str(len(content) + 1)}
    assert httpx.put(target["url"], content=content + b"x", headers=longer).status_code == 403
    assert httpx.put(target["url"], content=content).status_code == 403
    assert cloud.task(task_id, "announced")["status"] == "pending"
    assert httpx.put(target["url"], content=content, headers=target["headers"]).status_code == 200
    assert cloud.wait(task_id, "announced")["status"] == "done"
    again = announce(cloud, "announced", content).json()
    assert (again["status"], again["upload"]) == ("done", None)


def test_ten_requests_with_one_key_are_one_task(cloud: Client) -> None:
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(
            cloud.http.post(
                "/api/v1/build-and-push",
                files={"file": ("app.zip", app("one key"))},
                data={"workspace_id": "keys"},
                headers={"Idempotency-Key": "one"},
            )
        )

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(get(cloud, "/workspaces/keys/tasks").json()["tasks"]) == 1
    task_id = answers[0].json()["task_id"]
    assert cloud.wait(task_id, "keys")["status"] == "done"
    assert [e["name"] for e in cloud.executions()].count(task_id) == 1


def test_the_log_can_be_followed_to_its_end(cloud: Client) -> None:
    task_id = cloud.start("app.zip", app("log"), workspace_id="log")
    lines: list[str] = []
    query: dict[str, Any] = {"workspace_id": "log", "wait": 10}
    while True:
        part = get(cloud, f"/tasks/{task_id}/logs", **query).json()
        lines += [line["message"] for line in part["lines"]]
        if part["next"] is None:
            break
        query["next"] = part["next"]
    assert any("Fetch app.zip" in line for line in lines)
    assert any(line.startswith("Pushed ") for line in lines)
    assert len(lines) == len(set(lines))
    whole = get(cloud, f"/tasks/{task_id}/logs", workspace_id="log").json()
    assert [line["message"] for line in whole["lines"]] == lines
    assert get(cloud, f"/tasks/{task_id}/logs", workspace_id="other").status_code == 404


def test_a_failed_builds_log_and_findings_are_kept(cloud: Client) -> None:
    task_id = cloud.start("app.py", b"x: int = 'text'\n", workspace_id="log")
    task = get(cloud, f"/tasks/{task_id}", workspace_id="log", wait=25).json()
    while task["status"] not in ("done", "failed"):
        task = get(cloud, f"/tasks/{task_id}", workspace_id="log", wait=25).json()
    assert task["error"].startswith("MyPy validation failed: app.py:1: error: ")
    (finding,) = task["errors"]
    assert (finding["file"], finding["line"], finding["code"]) == ("app.py", 1, "assignment")
    log = get(cloud, f"/tasks/{task_id}/logs", workspace_id="log").json()
    assert any("assignment" in line["message"] for line in log["lines"])


def test_a_running_build_is_cancelled_and_then_deleted(cloud: Client) -> None:
    source = b"import time\n\nx = 1\n\nwhile x:\n    time.sleep(1)\n"  # imported by the build: it never ends
    task_id = cloud.start("app.py", source, workspace_id="cancel")
    while cloud.task(task_id, "cancel")["status"] == "pending":
        time.sleep(0.1)
    path = f"/api/v1/tasks/{task_id}"
    assert cloud.http.delete(path, params={"workspace_id": "other"}).status_code == 404
    cancelled = cloud.http.delete(path, params={"workspace_id": "cancel"})
    assert cancelled.json() == {"task_id": task_id, "outcome": "cancelled"}
    task = cloud.task(task_id, "cancel")
    assert task["status"] == "failed"
    assert "cancelled" in task["error"]
    assert [e["status"] for e in cloud.executions() if e["name"] == task_id] == ["ABORTED"]
    deleted = cloud.http.delete(path, params={"workspace_id": "cancel"})
    assert deleted.json() == {"task_id": task_id, "outcome": "deleted"}
    assert cloud.keys(f"build-sources/cancel/{task_id}") == cloud.keys(f"build-artifacts/{task_id}") == []
    assert get(cloud, f"/tasks/{task_id}", workspace_id="cancel").status_code == 404


@pytest.fixture(scope="module")
def crowded(cloud: Client) -> str:
    """A workspace that runs as many builds as it may."""
    answers = [announce(cloud, "limits", app(f"limits {number}")) for number in range(100)]
    assert {answer.status_code for answer in answers} == {201}
    return "limits"


def test_the_limit_of_running_builds_is_told_where_nobody_waits_for_an_answer(cloud: Client, crowded: str) -> None:
    task_id = cloud.drop("dropped", "app.zip", app("dropped"), workspace_id=crowded)
    task = cloud.wait(task_id, crowded)
    assert task["status"] == "failed"
    assert "has as many builds running and waiting as it may (100)" in task["error"]
    # Who ended it told the event bus. The reconciler, which makes up for that, comes every five minutes.
    deadline = time.monotonic() + 60
    while "unsettled" in next(row for row in cloud.rows() if row["task_id"]["S"] == task_id and "status" in row):
        assert time.monotonic() < deadline, "the end was not announced"
        time.sleep(0.1)


def test_the_limit_of_running_builds_is_told(cloud: Client, crowded: str) -> None:
    refused = announce(cloud, crowded, app("one too many"))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    rows = (row for row in cloud.rows() if row["workspace_id"]["S"] == crowded)
    task_id = next(row["task_id"]["S"] for row in rows if row.get("status", {}).get("S") == "pending")
    cloud.http.delete(f"/api/v1/tasks/{task_id}", params={"workspace_id": crowded})
    assert announce(cloud, crowded, app("one too many")).status_code == 201


def test_the_documentation_is_served(cloud: Client) -> None:
    description = cloud.http.get("/openapi.json").json()
    assert "/api/v1/uploads" in description["paths"]
    page = cloud.http.get("/")
    assert (page.status_code, page.headers["location"]) == (302, "/docs")
    page = cloud.http.get("/docs")
    assert page.status_code == 200
    assert "swagger-ui" in page.text
    again = cloud.http.get("/docs", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
