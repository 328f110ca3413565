"""The commands around a deploy: tasks, logs, apps, calls, projects, contexts."""

import datetime
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from blue_faas_cli.main import app as command_line
from botocore.stub import Stubber

from cli.tests.conftest import Blue
from cli.tests.service import Service
from cli.tests.test_deploy import IMAGE, SOURCE, builds, fails, restored, state
from functions.contracts.build_result import Finding
from functions.models.app_metrics import AppMetrics, AppMetricsPoint
from functions.models.apps import (
    AppDeleted,
    AppList,
    AppLog,
    AppLogLine,
    AppLogReplica,
    AppSummary,
    PodProblem,
    Replicas,
    RevisionEntry,
    RevisionList,
)
from tests.support.command_line import Terminal, environment, run

HELLO = "/api/v1/apps/default/hello"


def summary(name: str) -> AppSummary:
    """An app as a list shows it."""
    return AppSummary(
        app_name=name,
        namespace="apps",
        image=IMAGE,
        digest=None,
        revision=3,
        enable_autoscaling=False,
        use_spot=True,
        ready_replicas=1,
        available=None,
        managed=True,
    )


def measured(name: str) -> AppMetrics:
    """What was measured of an app: two periods with requests."""
    first, second = (
        AppMetricsPoint(
            start="2026-01-02T03:00:00.000Z", requests=100, errors=1, latency_p50_ms=3.5, latency_p99_ms=41
        ),
        AppMetricsPoint(start="2026-01-02T03:05:00.000Z", requests=20, errors=0, latency_p50_ms=2, latency_p99_ms=None),
    )
    return AppMetrics(
        app_name=name,
        namespace="default",
        measured=True,
        note=None,
        start="2026-01-02T02:15:00.000Z",
        end="2026-01-02T03:20:00.000Z",
        period=300,
        requests=120,
        errors=1,
        latency_average_ms=5.25,
        points=[first, second],
        replicas=Replicas(desired=1, ready=1, updated=1, restarts=2),
    )


def started(project: Path, blue: Blue) -> str:
    """Id of a task that a build was started for."""
    (project / "app.py").write_text(SOURCE)
    return blue("deploy", "app.py", "--no-wait").out.strip()


class TestRequestsThatWereOneTooMany:
    @pytest.fixture(autouse=True)
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The pauses, which take no time here."""
        made: list[float] = []
        monkeypatch.setattr("blue_faas_cli.api.time.sleep", made.append)
        return made

    def test_are_sent_again_when_the_service_says(
        self, service: Service, project: Path, blue: Blue, pauses: list[float]
    ) -> None:
        service.refused = ["5", None, "2"]
        assert blue("tasks").code == 0
        assert pauses == [5, 1, 2]
        assert len(service.requests) == 4

    def test_a_build_too_and_only_one_comes_of_it(
        self, service: Service, project: Path, blue: Blue, pauses: list[float]
    ) -> None:
        service.refused = ["5"]
        started(project, blue)
        first, second = service.keys("POST")
        assert first == second is not None
        assert len(service.account.rows()) == 1

    @pytest.mark.parametrize(
        ("refused", "waited"), [(["5"] * 4, [5.0] * 3), (["60"], [])], ids=["for ever", "for something to be done"]
    )
    def test_are_given_up_when_it_is_no_use(
        self,
        service: Service,
        project: Path,
        blue: Blue,
        pauses: list[float],
        refused: list[str | None],
        waited: list[float],
    ) -> None:
        service.refused = list(refused)
        done = blue("tasks")
        assert (done.code, pauses) == (3, waited)
        assert f"As many wait as may (try again in {refused[0]} s)" in done.err


class TestTasks:
    def test_a_list_is_one_task_a_line(self, service: Service, project: Path, blue: Blue) -> None:
        first = started(project, blue)
        second = started(project, blue)
        done = blue("tasks")
        assert [line.split("\t")[:3] for line in done.out.splitlines()] == [
            [second, "hello", "pending"],
            [first, "hello", "pending"],
        ]
        page = json.loads(blue("tasks", "--limit", "1", "-o", "json").out)
        assert [task["task_id"] for task in page["tasks"]] == [second]
        assert blue("tasks", "--next", page["next"]).out.startswith(first)

    def test_a_task_that_is_done(self, service: Service, project: Path, blue: Blue) -> None:
        builds(service)
        task_id = started(project, blue)
        done = blue("task", task_id)
        assert done.code == 0
        assert f"image       {IMAGE}" in done.out
        assert json.loads(blue("task", task_id, "-o", "json").out)["result"]["image_url"] == IMAGE

    def test_a_task_that_failed(self, service: Service, project: Path, blue: Blue) -> None:
        fails(service, "app.py:2: error: no", Finding(file="app.py", line=2, message="no"))
        done = blue("task", started(project, blue))
        assert done.code == 1
        assert "app.py:2: error: no" in done.err

    def test_a_running_one_is_cancelled(self, service: Service, project: Path, blue: Blue) -> None:
        task_id = started(project, blue)
        assert blue("cancel", task_id).code == 0
        assert service.status(task_id) == "failed"

    @pytest.mark.parametrize("command", ["task", "cancel"])
    def test_one_that_is_not_there(self, service: Service, project: Path, blue: Blue, command: str) -> None:
        done = blue(command, "../apps")
        assert done.code == 3
        assert "error: " in done.err


class TestLogs:
    @pytest.mark.parametrize("follow", [[], ["-f"]])
    def test_of_a_build(self, service: Service, project: Path, blue: Blue, follow: list[str]) -> None:
        builds(service)
        task_id = started(project, blue)
        assert blue("logs", task_id, *follow).out.splitlines() == ["step one", "step two \\x1b[31m"]
        lines = blue("logs", task_id, "-o", "json").out.splitlines()
        assert json.loads(lines[0])["message"] == "step one"

    def test_of_an_app(self, service: Service, project: Path, blue: Blue) -> None:
        line = AppLogLine(timestamp="2026-01-02T03:04:05Z", replica="hello-1", message="ready")
        replicas = [AppLogReplica(name="hello-1"), AppLogReplica(name="hello-2", note="has printed nothing")]
        service.cluster["GET", f"{HELLO}/logs"] = [
            AppLog(app_name="hello", namespace="default", replicas=replicas, lines=[line], cut=False, next="t")
        ]
        done = blue("logs", "hello", "--tail", "7")
        assert (done.out, done.err) == ("hello-1 ready\n", "hello-2: has printed nothing\n")
        assert dict(service.requests[-1].query_params) == {"workspace_id": "default", "tail": "7"}


class TestApps:
    def test_a_list(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="apps", apps=[summary("hello")])]
        assert blue("apps", "-n", "apps").out == f"hello\t3\t1\t-\t{IMAGE}\n"
        assert dict(service.requests[-1].query_params) == {"namespace": "apps", "workspace_id": "default"}

    def test_one(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", HELLO] = [state()]
        assert "status     available" in blue("app", "hello").out
        assert json.loads(blue("app", "hello", "-o", "json").out) == state().model_dump(mode="json")

    def test_one_that_cannot_start(self, service: Service, project: Path, blue: Blue) -> None:
        problem = PodProblem(pod="hello-1", reason="ImagePullBackOff", message="no such image")
        service.cluster["GET", HELLO] = [state(status="failing", error="no such image", problems=[problem])]
        done = blue("app", "hello")
        assert done.code == 1
        assert "hello-1: ImagePullBackOff: no such image" in done.err

    def test_its_metrics(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", f"{HELLO}/metrics"] = [measured("hello")]
        done = blue("metrics", "hello")
        assert done.out == "2026-01-02T03:00:00.000Z\t100\t1\t3.5\t41.0\n2026-01-02T03:05:00.000Z\t20\t0\t2.0\t-\n"
        assert done.err.splitlines() == [
            "requests 120, errors 1, average 5.2 ms",
            "replicas 1 of 1 ready, restarts 2",
        ]
        assert dict(service.requests[-1].query_params) == {
            "workspace_id": "default",
            "minutes": "60",
            "period": "300",
        }
        given = json.loads(blue("metrics", "hello", "--minutes", "15", "-o", "json").out)
        assert given == measured("hello").model_dump(mode="json")
        assert service.requests[-1].query_params["period"] == "60"

    def test_its_metrics_where_nothing_is_measured(self, service: Service, project: Path, blue: Blue) -> None:
        nothing = measured("hello").model_copy(
            update={"measured": False, "note": "Not measured.", "requests": None, "errors": None, "points": []}
        )
        service.cluster["GET", f"{HELLO}/metrics"] = [nothing]
        done = blue("metrics", "hello")
        assert (done.code, done.out) == (0, "")
        assert done.err.splitlines() == ["Not measured.", "replicas 1 of 1 ready, restarts 2"]

    def test_the_metrics_of_all(self, service: Service, project: Path, blue: Blue) -> None:
        idle = measured("idle").model_copy(
            update={"measured": False, "requests": None, "errors": None, "latency_average_ms": None, "points": []}
        )
        service.cluster["GET", "/api/v1/apps"] = [
            AppList(namespace="default", apps=list(map(summary, ("hello", "idle"))))
        ]
        service.cluster["GET", f"{HELLO}/metrics"] = [measured("hello")]
        service.cluster["GET", "/api/v1/apps/default/idle/metrics"] = [idle]
        done = blue("metrics")
        assert done.out == "hello\t120\t1\t5.2\t1\t2\nidle\t-\t-\t-\t1\t2\n"
        assert "Not measured: idle. `blue metrics idle` says why." in done.err
        document = json.loads(blue("metrics", "-o", "json").out)
        assert document == {"apps": [each.model_dump(mode="json") for each in (measured("hello"), idle)]}

    @pytest.mark.parametrize("minutes", ["0", "1441"])
    def test_a_time_that_cannot_be_asked_for(self, service: Service, project: Path, blue: Blue, minutes: str) -> None:
        assert blue("metrics", "hello", "--minutes", minutes).code == 2
        assert service.requests == []

    def test_its_revisions(self, service: Service, project: Path, blue: Blue) -> None:
        entry: dict[str, Any] = {
            "image": IMAGE,
            "digest": None,
            "deployed_by": "me",
            "deployed_at": None,
            "changed": [],
        }
        entries = [
            RevisionEntry(revision=2, rollback_of=1, current=True, **entry),
            RevisionEntry(revision=1, current=False, **entry),
        ]
        service.cluster["GET", f"{HELLO}/revisions"] = [
            RevisionList(app_name="hello", namespace="default", revisions=entries)
        ]
        first, second = blue("revisions", "hello").out.splitlines()
        assert first == f"2 (current)\t-\tme\trollback to 1\t{IMAGE}"
        assert second.startswith("1\t")

    @pytest.mark.parametrize(("revision", "body"), [([], {}), (["1"], {"revision": 1})])
    def test_a_rollback_waits(
        self, service: Service, project: Path, blue: Blue, revision: list[str], body: dict[str, int]
    ) -> None:
        service.cluster["POST", f"{HELLO}/rollback"] = [restored(4)]
        service.cluster["GET", HELLO] = [state(status="progressing"), state(revision=4)]
        done = blue("rollback", "hello", *revision)
        assert done.code == 0, done.err
        assert "hello is at revision 4" in done.err
        assert json.loads(service.bodies[0]) == body
        assert service.keys("POST") != [None]
        assert len(service.requests) == 3

    def test_a_deletion_asks_first(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["DELETE", HELLO] = [AppDeleted(app_name="hello", namespace="default")]
        assert blue("delete", "hello").code == 2
        assert service.requests == []
        assert blue("delete", "hello", "--yes").code == 0
        assert [request.method for request in service.requests] == ["DELETE"]


class TestInvoke:
    def test_on_this_machine(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", HELLO] = [state()]
        service.cluster["POST", "/path"] = [(201, {"hello": "there"})]
        done = blue("invoke", "hello", "path?x=1", "-d", "body", "-H", "x-one: 1")
        assert (done.code, json.loads(done.out)) == (0, {"hello": "there"})
        asked = service.requests[-1]
        assert (asked.headers["host"], asked.headers["x-one"]) == ("hello.default.svc.cluster.local", "1")
        assert (asked.url.query, service.bodies[-1]) == ("x=1", b"body")
        assert "authorization" not in asked.headers

    @pytest.mark.parametrize("leads", [True, False])
    def test_elsewhere_kubectl_leads_there(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, leads: bool
    ) -> None:
        near_end = service.url.removeprefix("http://")
        script = f'echo "Forwarding from {near_end} -> 80"; exec sleep 60' if leads else "echo forbidden >&2; exit 1"
        (tmp_path / "kubectl").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{script}\n')
        (tmp_path / "kubectl").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr("blue_faas_cli.config.Settings.is_local", False)
        service.cluster["GET", HELLO] = [state()]
        service.cluster["GET", "/"] = [(200, {})]
        done = blue("invoke", "hello")
        assert (tmp_path / "asked").read_text() == "port-forward --namespace=default service/hello :80\n"
        assert done.code == (0 if leads else 4)
        assert leads or "does not lead to default/hello: forbidden" in done.err

    def test_an_error_of_the_function(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", HELLO] = [state()]
        service.cluster["GET", "/"] = [(500, {})]
        assert blue("invoke", "hello").code == 1

    def test_where_it_is_exposed_it_is_called_like_anybody_else_does(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("blue_faas_cli.config.Settings.is_local", False)
        monkeypatch.setenv("PATH", "/none")
        service.cluster["GET", HELLO] = [state(url=f"{service.url}/")]
        service.cluster["GET", "/path"] = [(200, {"from": "outside"})]
        assert json.loads(blue("invoke", "hello", "/path").out) == {"from": "outside"}
        assert service.requests[-1].headers["host"] == service.url.removeprefix("http://")


class TestOpen:
    """In a terminal, as a person runs it, with a browser that notes what it is given."""

    @pytest.fixture
    def variables(self, service: Service, project: Path, tmp_path: Path) -> dict[str, str]:
        browser = tmp_path / "browser"
        browser.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/opened\n')
        browser.chmod(stat.S_IRWXU)
        return environment(tmp_path, BLUE_URL=service.url, BROWSER=str(browser))

    def test_an_app_below_localhost(self, service: Service, tmp_path: Path, variables: dict[str, str]) -> None:
        service.cluster["GET", HELLO] = [state()]
        terminal = Terminal(tmp_path, variables, "open", "hello")
        assert terminal.end() == 0, terminal.text
        address = service.url.replace("127.0.0.1", "hello.default.svc.localhost") + "/"
        assert terminal.text.split("\r\n") == [address, "Opened in the browser.", ""]
        assert (tmp_path / "opened").read_text() == f"{address}\n"

    def test_the_port_of_this_machine_s_cloud_leads_to_its_hosts(
        self, service: Service, tmp_path: Path, variables: dict[str, str]
    ) -> None:
        service.cluster["GET", HELLO] = [state(url="http://shop.localhost/")]
        done = run(tmp_path, variables, "open", "hello")
        assert done.stdout == service.url.replace("127.0.0.1", "shop.localhost") + "/\n"
        assert not (tmp_path / "opened").exists(), "there is no terminal"

    def test_without_an_app_the_page(self, service: Service, tmp_path: Path, variables: dict[str, str]) -> None:
        service.cluster["GET", "/ui"] = [(200, {})]
        terminal = Terminal(tmp_path, variables, "open")
        assert terminal.end() == 0, terminal.text
        assert (tmp_path / "opened").read_text() == f"{service.url}/ui\n"
        assert json.loads(run(tmp_path, variables, "open", "-o", "json").stdout) == {"address": f"{service.url}/ui"}
        service.cluster["GET", "/ui"] = [(404, {"detail": "Not Found"})]
        refused = run(tmp_path, variables, "open")
        assert (refused.returncode, "`blue ui` serves it" in refused.stderr) == (3, True)

    def test_without_a_browser_the_address_alone(
        self, service: Service, tmp_path: Path, variables: dict[str, str]
    ) -> None:
        service.cluster["GET", HELLO] = [state()]
        for changed, options in ((variables, ["--no-browser"]), ({**variables, "BROWSER": ""}, [])):
            terminal = Terminal(tmp_path, changed, "open", "hello", *options)
            assert (terminal.end(), terminal.text.count("\r\n")) == (0, 1)
        assert not (tmp_path / "opened").exists()

    def test_an_app_that_only_kubectl_leads_to(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "kubectl").write_text('#!/bin/sh\necho "Forwarding from 127.0.0.1:4321 -> 80"\n')
        (tmp_path / "kubectl").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr("blue_faas_cli.config.Settings.is_local", False)
        service.cluster["GET", HELLO] = [state()]
        done = blue("open", "hello")
        assert (done.code, done.out) == (4, "http://127.0.0.1:4321/\n"), "kubectl has ended"
        assert "until Ctrl-C" in done.err


class TestProject:
    @pytest.mark.parametrize("kind", [[], ["--folder"]])
    def test_what_init_makes_is_what_deploy_sends(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, kind: list[str]
    ) -> None:
        assert blue("init", "fresh", *kind).out == "fresh\n"
        monkeypatch.chdir(project / "fresh")
        assert blue("check").code == 0
        done = blue("deploy", "--no-wait")
        assert done.code == 0, done.err
        assert ("fresh.zip" if kind else "app.py") in done.err

    def test_init_overwrites_nothing(self, service: Service, project: Path, blue: Blue) -> None:
        (project / "fresh").mkdir()
        assert blue("init", "fresh").code == 2
        assert blue("init", "Not a name").code == 2
        assert list((project / "fresh").iterdir()) == []

    def test_check_shows_a_syntax_error_and_sends_nothing(self, service: Service, project: Path, blue: Blue) -> None:
        (project / "app.py").write_text("x = 1\ndef (:\n")
        done = blue("check", "app.py")
        assert done.code == 1
        assert "app.py:2: error: invalid syntax\n    2 | def (:" in done.err
        assert service.requests == []

    def test_up_says_where_it_wants_to_be_run(self, service: Service, project: Path, blue: Blue) -> None:
        done = blue("up")
        assert done.code == 2
        assert "is not in a checkout of Blue FaaS" in done.err

    def test_up_is_make_local_of_the_checkout(self, project: Path, tmp_path: Path) -> None:
        (tmp_path / "make").write_text('#!/bin/sh\necho "$@" "$AUTHORIZER"\n')
        (tmp_path / "make").chmod(stat.S_IRWXU)
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            [sys.executable, "-m", "blue_faas_cli", "up", "--port", "81", "--no-cluster", "--authorizer", "iam"],
            cwd=root / "docs",
            env={"PATH": str(tmp_path), "PYTHONPATH": f"{root}:{root / 'cli' / 'src'}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"--no-print-directory -C {root} local PORT=81 CLUSTER=no iam\n"


class TestAccess:
    def test_login_keeps_a_context_that_later_commands_use(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert blue("login", "there", "--url", service.url, "-w", "team").code == 0
        monkeypatch.delenv("BLUE_URL")
        assert blue("tasks").code == 0
        assert service.requests[-1].url.path == "/api/v1/workspaces/team/tasks"
        assert blue("tasks", "--context", "there", "-w", "other").code == 0
        assert service.requests[-1].url.path == "/api/v1/workspaces/other/tasks"

    def test_login_keeps_nothing_that_does_not_work(self, service: Service, project: Path, blue: Blue) -> None:
        service.refusal = (403, {"message": "Forbidden"})
        assert blue("login", "--url", service.url).code == 3
        assert not Path(os.environ["BLUE_CONFIG"]).exists()

    @pytest.mark.parametrize("has_output", [True, False])
    def test_login_by_the_name_of_a_stack(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, has_output: bool
    ) -> None:
        client = boto3.client("cloudformation", region_name="ap-northeast-2")
        stack = {
            "StackName": "BlueFaas",
            "CreationTime": datetime.datetime.now(datetime.UTC),
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": "ApiUrl", "OutputValue": service.url}] if has_output else [],
        }
        with Stubber(client) as stub:
            stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "BlueFaas"})
            monkeypatch.setattr("blue_faas_cli.aws.client", lambda *_: client)
            done = blue("login", "--stack", "BlueFaas")
        assert done.code == (0 if has_output else 3), done.err
        assert (service.url if has_output else "has no output ApiUrl") in done.err

    def test_doctor_of_what_works(self, service: Service, project: Path, blue: Blue) -> None:
        service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="default", apps=[])]
        done = blue("doctor")
        assert done.code == 0, done.out
        assert [line.split()[:2] for line in done.out.splitlines()] == [
            ["ok", name] for name in ("settings", "service", "clock", "credentials", "tasks", "apps")
        ]

    @pytest.mark.parametrize(("count", "says"), [(0, "0 apps"), (1, "1 app"), (2, "2 apps")])
    def test_doctor_counts_what_the_workspace_has(
        self, service: Service, project: Path, blue: Blue, count: int, says: str
    ) -> None:
        apps = [summary(f"app-{number}") for number in range(count)]
        service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="default", apps=apps)]
        assert re.search(rf"apps +{says} of workspace \S+ in namespace default$", blue("doctor").out, re.MULTILINE)

    def test_doctor_of_a_clock_that_is_wrong(
        self, service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="default", apps=[])]
        ahead = time.time() + 3600
        # Its own clock only: the service, in this process, says what time it is there.
        monkeypatch.setattr(
            "blue_faas_cli.commands.doctor.time", SimpleNamespace(time=lambda: ahead, monotonic=time.monotonic)
        )
        done = blue("doctor", "-o", "json")
        assert done.code == 3
        wrong = [check for check in json.loads(done.out)["checks"] if not check["ok"]]
        assert [check["check"] for check in wrong] == ["clock"]

    def test_doctor_without_a_service(self, service: Service, project: Path, blue: Blue) -> None:
        done = blue("doctor", "--url", "http://127.0.0.1:1")
        assert done.code == 4
        assert "NOT  service" in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(project: Path, blue: Blue, shell: str) -> None:
    assert "_BLUE_COMPLETE" in blue("completion", shell).out


def test_bash_completes_commands(project: Path, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = f"{shlex.quote(sys.executable)} -c \"from blue_faas_cli.main import app; app(prog_name='blue')\""
    done = subprocess.run(
        ["bash", "-c", command],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{root}:{root / 'cli' / 'src'}",
            "_BLUE_COMPLETE": "complete_bash",
            "COMP_WORDS": "blue roll",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["rollback"]


def test_every_command_has_a_sentence_that_says_what_it_does() -> None:
    assert all(command.callback and command.callback.__doc__ for command in command_line.registered_commands)
