"""Bad requests over HTTP: a clear 4xx with `detail`, and no row, object or execution behind."""

import io
import zipfile
from typing import Any

import httpx
import pytest

from tests.support.client import Client

SOURCE = ("app.py", b"x = 1\n")


def stored(cloud: Client) -> tuple[int, int, int]:
    return len(cloud.rows()), len(cloud.keys()), len(cloud.executions())


def test_bad_uploads_leave_nothing_behind(cloud: Client) -> None:
    before = stored(cloud)
    uploads: list[tuple[tuple[str, bytes] | None, dict[str, str], int]] = [
        (None, {}, 422),
        (("app.py", b""), {}, 400),
        (("app.txt", b"x"), {}, 400),
        (("app.zip", b"x"), {}, 400),
        (("app.py", b"#" * 4_600_000), {}, 413),
        (SOURCE, {"workspace_id": "a/b"}, 422),
        (SOURCE, {"workspace_id": ".."}, 422),
        (SOURCE, {"workspace_id": "x" * 64}, 422),
        (SOURCE, {"app_name": "a\x01b"}, 422),
        (SOURCE, {"registry_url": "not a registry", "username": "u", "password": "p"}, 422),
        (SOURCE, {"registry_url": "evil.example.com/app", "username": "u", "password": "p"}, 403),
        (SOURCE, {"unknown": "field"}, 422),
    ]
    for file, fields, status in uploads:
        data = {"workspace_id": "bad-input", **fields}
        files: dict[str, Any] = {"file": file} if file else {name: (None, value) for name, value in data.items()}
        answer = cloud.http.post("/api/v1/build-and-push", files=files, data=data if file else {})
        assert (answer.status_code, list(answer.json())) == (status, ["detail"]), (file, fields, answer.text)
    assert stored(cloud) == before


def test_a_body_over_api_gateways_limit_does_not_reach_the_function(cloud: Client) -> None:
    try:
        answer = cloud.upload("app.py", b"#" * 10_600_000)
    except httpx.WriteError:  # the gateway may close the connection before it has read everything
        return
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"namespace": "default"}, "image_ref"),
        ({"image_ref": "x"}, "namespace"),
        ({"namespace": "Default", "image_ref": "h.io/a:1"}, "namespace"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "app_name": "Not_A_Name"}, "app_name"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "app_name": "a" * 53}, "app_name"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "cpu_limit": "lots"}, "cpu_limit"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "memory_limit": "-1Mi"}, "memory_limit"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "replicas": 2}, "replicas"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "replicas": "two", "enable_autoscaling": False}, "replicas"),
        ({"namespace": "default", "image_ref": "h.io/a:1", "use_spott": True}, "use_spott"),
        ([1], ""),
    ],
)
def test_bad_deployments(cloud: Client, hello: str, body: Any, says: str) -> None:
    if isinstance(body, dict) and body.get("image_ref") == "h.io/a:1":
        body = {**body, "image_ref": hello}  # so that nothing but the field in question is wrong
    answer = cloud.http.post("/api/v1/deploy", json=body)
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == ["detail"]
    assert says in answer.text


def test_malformed_json(cloud: Client) -> None:
    answer = cloud.http.post("/api/v1/deploy", content=b'{"namespace": ', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert list(answer.json()) == ["detail"]


def test_an_unknown_task_and_a_task_of_another_workspace(cloud: Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "")
    task_id = cloud.start("app.zip", buffer.getvalue(), workspace_id="owner")
    for path, workspace in ((task_id, "stranger"), ("01a20fe6-bb1b-747b-ac1d-6d7ba8fb4677", "owner")):
        answer = cloud.http.get(f"/api/v1/tasks/{path}", params={"workspace_id": workspace})
        assert answer.status_code == 404
        assert list(answer.json()) == ["detail"]
    assert cloud.wait(task_id, "owner")["error"] == "spin.toml not found in root directory"
