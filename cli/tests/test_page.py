"""``blue ui``: the page's own tab may call the API as the user, and nobody else."""

import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from blue_faas_cli.authorities import authorities
from blue_faas_cli.config import Settings
from blue_faas_cli.page.app import create_app
from blue_faas_cli.page.door import Door
from blue_faas_cli.page.forwarding import MOST_BYTES, Forwarding
from blue_faas_cli.page.opening import opened

from cli.tests.service import Service
from functions.models.page import PageConfig
from local.cloud.processes import free_port
from tests.support.background import serve

ROOT = Path(__file__).resolve().parents[2]
KEY = "key-of-this-run"
OWN = {"authorization": f"Bearer {KEY}"}
TASKS = "/api/v1/workspaces/default/tasks"


@pytest.fixture
def page(service: Service) -> Iterator[httpx.Client]:
    """A client of ``blue ui``, which calls the service as a caller with a token."""
    port = free_port()
    settings = Settings(service.url, "jwt", "team", "apps", None, None, None, token="token-of-the-user")
    told = PageConfig(access="key", request_bytes=1, deploys=True, workspace_id="team", namespace="apps")
    with (
        serve(create_app(Door(port, KEY), Forwarding(settings), told), port) as url,
        httpx.Client(base_url=url, verify=authorities()) as client,
    ):
        yield client


class TestDoor:
    @pytest.mark.parametrize("path", ["/ui", "/ui/main.js", "/ui/config.json"])
    def test_files_are_open_to_this_machine(self, page: httpx.Client, path: str) -> None:
        answer = page.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; connect-src 'self';")

    @pytest.mark.parametrize("path", ["/ui", "/ui/config.json", TASKS])
    @pytest.mark.parametrize("host", ["rebound.example:{port}", "127.0.0.1:1", "127.0.0.1", "127.0.0.1.x:{port}"])
    def test_no_other_name_is_served(self, page: httpx.Client, path: str, host: str) -> None:
        port = page.base_url.port
        answer = page.get(path, headers={**OWN, "host": host.format(port=port)})
        assert answer.status_code == 403
        assert "Host" in answer.json()["detail"]

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"authorization": "Bearer"},
            {"authorization": f"Bearer {KEY}x"},
            {"authorization": KEY},
            {"cookie": f"key={KEY}"},
            {**OWN, "origin": "https://evil.example"},
            {**OWN, "origin": "null"},
            {**OWN, "origin": "http://127.0.0.1:1"},
            {**OWN, "sec-fetch-site": "cross-site"},
            {**OWN, "sec-fetch-site": "same-site"},
            {**OWN, "sec-fetch-site": "none"},
        ],
    )
    def test_who_is_not_the_tab_does_not_reach_the_api(
        self, page: httpx.Client, service: Service, method: str, headers: dict[str, str]
    ) -> None:
        assert page.request(method, TASKS, headers=headers).status_code == 403
        assert service.requests == []

    def test_the_tab_does(self, page: httpx.Client, service: Service) -> None:
        origin = str(page.base_url).rstrip("/")
        for headers in (OWN, {**OWN, "origin": origin, "sec-fetch-site": "same-origin"}):
            assert page.get(TASKS, headers=headers).json() == {"tasks": [], "next": None}
        assert [request.headers["authorization"] for request in service.requests] == ["Bearer token-of-the-user"] * 2


class TestForwarding:
    def test_a_form_arrives_as_it_was_sent(self, page: httpx.Client, service: Service) -> None:
        sent = page.post(
            "/api/v1/build-and-push",
            headers={**OWN, "idempotency-key": "one", "x-other": "left out"},
            files={"file": ("app.py", b"x = 1\n")},
            data={"workspace_id": "team"},
        )
        assert sent.status_code == 202
        (request,) = service.requests
        assert request.headers["idempotency-key"] == "one"
        assert "x-other" not in request.headers
        assert sent.request.headers["content-type"] == request.headers["content-type"]

    def test_an_answer_arrives_as_it_was_given(self, page: httpx.Client, service: Service) -> None:
        service.cluster["GET", "/api/v1/apps"] = [(429, {"detail": "slow down"})]
        answer = page.get("/api/v1/apps?namespace=a&x=%ED%95%9C", headers=OWN)
        assert (answer.status_code, answer.json()) == (429, {"detail": "slow down"})
        assert service.requests[-1].url.query == "namespace=a&x=%ED%95%9C"

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/../../x",
            "/api/v1/%2e%2e/x",
            "/api/v1//x",
            "/api/v2/apps",
            "/api/v1/a%2fb",
            "/api/v1",
            "/api/v1/./x",
        ],
    )
    def test_no_other_path_is_sent_on(self, page: httpx.Client, service: Service, path: str) -> None:
        host = page.base_url
        connection = http.client.HTTPConnection(host.host, host.port)
        connection.request("GET", path, headers=OWN)
        assert connection.getresponse().status == 404
        assert service.requests == []

    @pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, 422), (MOST_BYTES + 1, 413)])
    def test_a_body_has_an_end(self, page: httpx.Client, service: Service, size: int, status: int) -> None:
        service.cluster["POST", "/api/v1/deploy"] = [(422, {"detail": "read"})]
        assert page.post("/api/v1/deploy", headers=OWN, content=b"x" * size).status_code == status

    def test_no_answer_is_said(self, page: httpx.Client, service: Service) -> None:
        gone = Settings("http://127.0.0.1:1", "none", "team", "apps", None, None, None)
        port = free_port()
        told = PageConfig(access="key", request_bytes=1, deploys=True)
        with serve(create_app(Door(port, KEY), Forwarding(gone), told), port) as url:
            answer = httpx.get(url + TASKS, headers=OWN)
        assert answer.status_code == 502
        assert "http://127.0.0.1:1 did not answer" in answer.json()["detail"]

    def test_only_methods_of_the_page_are_taken(self, page: httpx.Client) -> None:
        assert page.put("/api/v1/admin/workspaces/team", headers=OWN, json={}).status_code == 405


def test_the_browser_is_led_by_a_file_of_the_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def browse(url: str) -> bool:
        asked.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    with opened("http://127.0.0.1:1/ui#key=secret") as is_open:
        (address,) = asked
        assert is_open
        assert "secret" not in address
        file = Path(address.removeprefix("file://"))
        assert "http://127.0.0.1:1/ui#key=secret" in file.read_text()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.exists()


def take_ctrl_c() -> None:
    """Do as what a person starts in a terminal: a shell's background job, and all that it starts, ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_it_serves_until_ctrl_c(service: Service, project: Path) -> None:
    command = [sys.executable, "-m", "blue_faas_cli", "ui", "--url", service.url, "--no-browser", "-w", "team"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'cli' / 'src'}"}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=take_ctrl_c,
    ) as process:
        assert process.stdout
        match = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/ui#key=([\w-]{43})\n", process.stdout.readline())
        assert match, process.communicate()
        with httpx.Client(base_url=match[1], transport=httpx.HTTPTransport(retries=5)) as client:
            config = client.get("/ui/config.json").json()
            tasks = client.get(TASKS, headers={"authorization": f"Bearer {match[2]}"})
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert process.stderr
        assert "Stopped" in process.stderr.read()
    assert (config["workspace_id"], config["access"], config["deploys"]) == ("team", "key", True)
    assert tasks.json() == {"tasks": [], "next": None}
    assert json.dumps(config).count(match[2]) == 0
    assert process.returncode == 130
