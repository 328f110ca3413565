"""The smoke test itself: what it says when an installation does not do what it should, and how it signs."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from infra.smoke.__main__ import Line, main, run
from infra.smoke.signing import NoIdentityError, SignedByAws, identity
from infra.smoke.steps import Smoke
from tests.support.api_signature import signature_of

API = "https://a1b2c3.execute-api.ap-northeast-2.amazonaws.com"
TASK = {"status": "done", "error": None, "result": {"image_url": "registry.example.com/app:v1"}}
Answer = Callable[[httpx.Request], httpx.Response | None]


class Installation:
    """Answers as the API does; ``broken`` is asked first."""

    def __init__(self, broken: Answer = lambda _: None, *, cluster: bool = True) -> None:
        self._broken = broken
        self._cluster = cluster
        self._gone: set[str] = set()
        self._images: list[str] = []
        self._tasks = 0

    def lines(self, namespace: str | None = "team-a", authorizer: str = "iam") -> dict[str, Line]:
        auth = httpx.BasicAuth("some", "body")
        with httpx.Client(transport=httpx.MockTransport(self._answer), base_url=API, auth=auth) as client:
            smoke = Smoke(client, "smoke-test", namespace, patience=0.05, pause=0.01)
            return {line.step: line for line in run(smoke, authorizer=authorizer)}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self._broken(request) or self._works(request.method, request.url.path, request)

    def _works(self, method: str, path: str, request: httpx.Request) -> httpx.Response:
        match method, path.split("/")[1:]:
            case "GET", ["health"]:
                return httpx.Response(200, json={"status": "ok"})
            case "GET", ["openapi.json"]:
                return httpx.Response(200, json={"paths": {"/api/v1/deploy": {}} if self._cluster else {}})
            case _, ["bucket", *_]:
                return httpx.Response(400 if "authorization" in request.headers else 200)
            case _ if "authorization" not in request.headers:
                return httpx.Response(403, json={"message": "Forbidden"})
            case "POST", ["api", "v1", "build-and-push"]:
                return httpx.Response(202, json=self._task())
            case "POST", ["api", "v1", "uploads"]:
                target = {"method": "PUT", "url": f"{API}/bucket/key", "headers": {}}
                return httpx.Response(201, json={**self._task(), "upload": target})
            case "GET", ["api", "v1", "tasks", task] if task not in self._gone:
                result = {"image_url": f"registry.example.com/app:{task}"}
                return httpx.Response(200, json={**TASK, "result": result})
            case "GET", ["api", "v1", "tasks", _, "logs"]:
                return httpx.Response(200, json={"lines": [{"message": "Pushed"}]})
            case "DELETE", ["api", "v1", "tasks", task]:
                self._gone.add(task)
                return httpx.Response(200, json={"outcome": "deleted"})
            case "POST", ["api", "v1", "deploy"]:
                self._images.append(json.loads(request.content)["image_ref"])
                return httpx.Response(200, json={})
            case "POST", [*_, "rollback"]:
                self._images.append(self._images[-2])
                return httpx.Response(200, json={})
            case "GET", [*_, "metrics"] if self._images:
                return httpx.Response(200, json={"measured": False, "note": "Requests are not measured."})
            case "GET", [*_, "metrics"]:
                return httpx.Response(404, json={"detail": "App not found"})
            case "GET", [*_, "revisions"]:
                made = [
                    {"revision": number, "image": image, "current": number == len(self._images)}
                    for number, image in enumerate(self._images, 1)
                ]
                return httpx.Response(200, json={"revisions": made})
            case "GET", ["api", "v1", "apps", *_]:
                return httpx.Response(200, json={"status": "available"})
            case "DELETE", ["api", "v1", "apps", *_]:
                return httpx.Response(200, json={})
        return httpx.Response(404, json={"detail": "Not Found"})

    def _task(self) -> dict[str, Any]:
        self._tasks += 1
        return {"task_id": f"task-{self._tasks}"}


def test_an_installation_that_works() -> None:
    lines = Installation().lines()
    assert list(lines) == ["health", "authorizer", "build", "logs", "upload", "deploy", "metrics", "rollback", "delete"]
    assert {line.state for line in lines.values()} == {"works"}, lines


@pytest.mark.parametrize(
    ("at", "answer", "fails"),
    [
        ("/logs", httpx.Response(503, json={"detail": "A service that this one needs is not answering."}), {"logs"}),
        ("/bucket/", httpx.Response(307), {"upload", "rollback"}),
        ("/deploy", httpx.Response(502, json={"detail": "forbidden"}), {"deploy", "metrics", "rollback"}),
        ("/metrics", httpx.Response(503, json={"detail": "No connection to CloudWatch"}), {"metrics"}),
        ("/rollback", httpx.Response(500), {"rollback"}),
        ("/build-and-push", httpx.Response(403, json={"message": "Forbidden"}), {"build", "logs", "rollback"}),
        ("/health", httpx.Response(404), {"health"}),
        ("/workspaces/", httpx.Response(200, json={}), {"authorizer"}),
    ],
)
def test_each_step_fails_alone_and_says_where_to_look(at: str, answer: httpx.Response, fails: set[str]) -> None:
    def broken(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(answer.status_code, content=answer.content) if at in request.url.path else None

    lines = Installation(broken).lines()
    assert {step for step, line in lines.items() if line.state == "fails"} == fails
    for step in fails:
        assert "\n    " in str(lines[step])


def test_a_build_that_does_not_end_is_not_waited_for_for_ever() -> None:
    def building(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" and request.url.path == "/api/v1/tasks/task-1":
            return httpx.Response(200, json={**TASK, "status": "building"})
        return None

    line = Installation(building).lines()["build"]
    assert (line.state, "still building" in line.said) == ("fails", True)


@pytest.mark.parametrize(("cluster", "namespace"), [(False, "team-a"), (True, None)])
def test_deploying_is_left_out_where_there_is_nothing_to_deploy_to(cluster: bool, namespace: str | None) -> None:
    lines = Installation(cluster=cluster).lines(namespace)
    assert {step for step, line in lines.items() if line.state == "left out"} == {"deploy", "metrics", "rollback"}
    assert lines["delete"].state == "works"


def test_no_api_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:9", "--authorizer", "none"]) == 1
    assert "fails: health: ConnectError" in capsys.readouterr().out


def test_who_has_nothing_to_show_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(NoIdentityError, match="TOKEN"):
        identity("jwt", API)
    monkeypatch.setenv("TOKEN", "a.b.c")
    auth = identity("jwt", API)
    assert auth is not None
    (sent,) = auth.auth_flow(httpx.Request("GET", API))
    assert sent.headers["Authorization"] == "Bearer a.b.c"


@pytest.mark.parametrize("token", [None, "a-session-token"])
def test_every_call_is_signed_with_its_body_and_its_query(token: str | None) -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    auth = SignedByAws(Credentials("AKIAEXAMPLE", "secret", token), "ap-northeast-2")
    with httpx.Client(transport=httpx.MockTransport(keep), base_url=API, auth=auth) as client:
        client.post("/api/v1/build-and-push", files={"file": ("app.py", b"x = 1\n")}, data={"workspace_id": "w"})
        client.get("/api/v1/tasks/1", params={"workspace_id": "a b", "wait": 20})
        client.request("DELETE", "/api/v1/apps/team/한글")
    for request in seen:
        assert request.headers["authorization"].rpartition("Signature=")[2] == signature_of(request, "secret")
        assert request.headers.get("x-amz-security-token") == token
    assert seen[0].content
