"""A build that is to be deployed: the deploy function is asked first, and its answer decides."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from functions import aws
from functions.models.rehearsal import Rehearsal
from tests.support.aws_account import DEPLOY_FUNCTION, OWN_REPOSITORY, Account
from tests.support.build_api import SOURCE, WORKSPACE, announce, started, task, upload
from tests.support.events import body_of

BLOCK = {"namespace": "team-a", "app_name": "my-function"}
NOT_FOUND = {"refused": "Namespace 'team-a' not found", "status": 404, "unknown": None}
ANNOUNCED = {
    "workspace_id": WORKSPACE,
    "file_name": "app.py",
    "size": len(SOURCE),
    "sha256": base64.b64encode(hashlib.sha256(SOURCE).digest()).decode(),
    "deploy": BLOCK,
}
SENDERS = {
    "build": lambda **more: upload(deploy=json.dumps(BLOCK), **more),
    "upload": lambda **more: announce(dict(ANNOUNCED), **more),
}


class Lambda:
    """Lambda's Invoke, and the deploy function behind it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Rehearsal]] = []
        self.answer: dict[str, Any] = {}
        self.error = ""
        """What Lambda calls a function that broke."""


@pytest.fixture
def function(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    function = Lambda()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arn = unquote(self.path).split("/functions/")[1].removesuffix("/invocations")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function.asked.append((arn, Rehearsal.model_validate_json(body)))
            answer = json.dumps(function.answer).encode()
            self.send_response(200)
            if function.error:
                self.send_header("X-Amz-Function-Error", function.error)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
        aws.clients.reset()
        yield function
        server.shutdown()
    aws.clients.reset()


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_a_block_that_would_be_refused_is_refused_before_anything_is_stored(
    account: Account, function: Lambda, send: Any
) -> None:
    function.answer = NOT_FOUND
    answer = send()
    assert answer["statusCode"] == 404
    assert body_of(answer) == {"detail": "Namespace 'team-a' not found"}
    assert account.is_empty()


@pytest.mark.parametrize("status", [403, 404, 409, 422])
def test_the_status_is_that_of_the_deploy(account: Account, function: Lambda, status: int) -> None:
    function.answer = {"refused": "No.", "status": status, "unknown": None}
    assert SENDERS["build"]()["statusCode"] == status


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_a_block_that_fits_is_accepted(account: Account, function: Lambda, send: Any) -> None:
    answer = send()
    assert answer["statusCode"] in (201, 202)
    assert body_of(answer).get("message", "Build and push task created") == "Build and push task created"
    assert task(body_of(answer)["task_id"])["deployment"]["unchecked"] is None
    ((arn, asked),) = function.asked
    assert arn == DEPLOY_FUNCTION
    assert (asked.workspace_id, asked.image_repository) == (WORKSPACE, OWN_REPOSITORY)
    assert json.loads(asked.block.options) == BLOCK


def test_a_build_that_is_not_deployed_asks_nobody(account: Account, function: Lambda) -> None:
    started()
    assert function.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"refused": None, "status": None, "unknown": "The cluster is away."}, ""),
        ({"errorMessage": "Task timed out"}, "Unhandled"),
        (["not", "an", "answer"], ""),
    ],
)
def test_a_cluster_that_cannot_be_asked_does_not_keep_a_build(
    account: Account, function: Lambda, answer: Any, error: str
) -> None:
    function.answer, function.error = answer, error
    created = body_of(SENDERS["build"]())
    assert list(created) == ["task_id", "status", "message", "source_s3_path"]
    unchecked = task(created["task_id"])["deployment"]["unchecked"]
    assert unchecked.startswith("Whether namespace 'team-a' takes the deployment is not known yet: ")
    assert created["message"] == f"Build and push task created. {unchecked}"


def test_a_function_out_of_reach_does_not_keep_a_build(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")
    aws.clients.reset()
    assert "is not known yet" in body_of(SENDERS["build"]())["message"]
    aws.clients.reset()


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_a_request_that_is_repeated_is_not_asked_about_again(account: Account, function: Lambda, send: Any) -> None:
    first = body_of(send(key="release-1"))
    function.answer = NOT_FOUND
    assert body_of(send(key="release-1"))["task_id"] == first["task_id"]
    assert len(function.asked) == 1


def test_a_refused_request_frees_its_key(account: Account, function: Lambda) -> None:
    function.answer = NOT_FOUND
    assert SENDERS["build"](key="release-1")["statusCode"] == 404
    function.answer = {}
    assert SENDERS["build"](key="release-1")["statusCode"] == 202
