"""`blue deploy`: what is sent, what is said, what the exit code is."""

import io
import json
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from blue_faas_cli import submit

from cli.tests.conftest import Blue
from cli.tests.service import Service
from functions.contracts.build_result import Finding
from functions.contracts.task_row import StoredResult
from functions.models.apps import AppState, Replicas
from functions.models.deploy import DeployResponse

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app:1"
SOURCE = "x: int = 1\ny: int = 'one'\n"


def state(app_name: str = "hello", **fields: Any) -> AppState:
    """An app that runs, but for what is said."""
    usual: dict[str, Any] = {
        "app_name": app_name,
        "namespace": "default",
        "status": "available",
        "error": None,
        "image": IMAGE,
        "digest": None,
        "revision": 3,
        "managed": True,
        "enable_autoscaling": False,
        "use_spot": True,
        "service_name": app_name,
        "service_status": "found",
        "endpoint": f"{app_name}.default.svc.cluster.local",
        "replicas": Replicas(desired=1, ready=1, updated=1),
        "autoscaling": None,
        "conditions": [],
        "problems": [],
        "events": [],
    }
    return AppState(**(usual | fields))


def builds(service: Service, workspace_id: str = "default", deployment: dict[str, Any] | None = None) -> None:
    """Let every build end well."""

    def build(task_id: str) -> None:
        service.log(task_id, "step one", "step two \x1b[31m")
        service.end(workspace_id, task_id, result=StoredResult(wasm_path="s3://b/app.wasm", image_url=IMAGE))
        if deployment is not None:
            (row,) = [row for row in service.account.rows() if row["task_id"] == task_id]
            service.account.change(row, deployment=json.dumps(deployment))

    service.on_started = build


def fails(service: Service, error: str, *findings: Finding) -> None:
    """Let every build fail."""
    service.on_started = lambda task_id: service.end("default", task_id, error=error, findings=findings)


def deployed(app_name: str = "hello") -> dict[str, Any]:
    return {"app_name": app_name, "namespace": "default", "endpoint": f"{app_name}.default.svc.cluster.local"}


def restored(revision: int) -> DeployResponse:
    """The answer to a rollback."""
    return DeployResponse(
        app_name="hello",
        namespace="default",
        service_name="hello",
        service_status="found",
        endpoint="hello.default.svc.cluster.local",
        enable_autoscaling=False,
        use_spot=True,
        image=IMAGE,
        digest=None,
        image_checked=True,
        revision=revision,
        ready_replicas=1,
    )


def form(service: Service, number: int = 0) -> dict[str, bytes]:
    """Fields of a form that was sent, by name."""
    headers = Message()
    headers["content-type"] = service.requests[number].headers["content-type"]
    boundary = str(headers.get_param("boundary")).encode()
    fields = {}
    for part in service.bodies[number].split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        fields[head.partition(b'name="')[2].partition(b'"')[0].decode()] = content
    return fields


def test_a_file_becomes_an_app_that_answers(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state(status="progressing"), state()]
    done = blue("deploy", "app.py")
    assert done.code == 0, done.err
    address = service.url.replace("127.0.0.1", "hello.default.svc.localhost")
    assert done.out == f"{address}/\n", "one that leads there from this machine"
    assert "step one" in done.err
    assert "step two \\x1b[31m" in done.err, "what a build wrote cannot steer the terminal"
    assert "blue invoke hello" in done.err
    sent = form(service)
    assert (sent["workspace_id"], sent["app_name"]) == (b"default", b"hello")
    assert json.loads(sent["deploy"]) == {"namespace": "default", "app_name": "hello"}
    assert sent["file"] == SOURCE.strip().encode()


def test_every_post_has_a_key_of_its_own(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service)
    blue("deploy", "app.py", "--build-only")
    blue("deploy", "app.py", "--build-only")
    keys = service.keys("POST")
    assert len(keys) == len(set(keys)) == 2
    assert None not in keys


def test_json_is_one_document_with_the_names_of_the_api(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state()]
    document = json.loads(blue("deploy", "app.py", "-o", "json").out)
    assert document["result"]["image_url"] == IMAGE
    assert document["deployment"]["status"] == "deployed"
    assert document["app"] == state().model_dump(mode="json")


def test_build_only_deploys_nothing(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service)
    done = blue("deploy", "app.py", "--build-only")
    assert (done.code, done.out) == (0, f"{IMAGE}\n")
    assert "deploy" not in form(service)


def test_no_wait_prints_the_task(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    done = blue("deploy", "app.py", "--no-wait")
    assert done.code == 0
    assert service.status(done.out.strip()) == "pending"
    assert len(service.requests) == 1


def test_findings_are_shown_as_compilers_do(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    error = (
        "MyPy validation failed: app.py:2: error: Incompatible types [assignment]\n"
        "/etc/passwd:1: error: elsewhere\nName the package."
    )
    fails(service, error, Finding(file="app.py", line=2, code="assignment", message="Incompatible types"))
    done = blue("deploy", "app.py")
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    at = lines.index("app.py:2: error: Incompatible types [assignment]")
    assert lines[at + 1] == "    2 | y: int = 'one'"
    assert lines[at + 2 : at + 4] == ["/etc/passwd:1: error: elsewhere", "Name the package."]
    assert lines[-1].endswith("failed: 1 error")


def test_a_failed_build_is_the_task_in_json(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    fails(service, "no", Finding(file="app.py", line=2, message="no"))
    done = blue("deploy", "app.py", "-o", "json")
    assert done.code == 1
    assert json.loads(done.out)["errors"][0]["line"] == 2


def test_paths_are_those_of_the_folder_that_was_named(service: Service, project: Path, blue: Blue) -> None:
    folder = project / "shop"
    (folder / "lib").mkdir(parents=True)
    (folder / "spin.toml").write_text('[application]\nname = "Shop One"\n')
    (folder / "lib" / "basket.py").write_text("one\ntwo\n")
    fails(service, "lib/basket.py:2: error: no")
    done = blue("deploy", "shop")
    assert "shop/lib/basket.py:2: error: no\n    2 | two" in done.err
    sent = form(service)
    assert sent["app_name"] == b"shop-one"
    with zipfile.ZipFile(io.BytesIO(sent["file"] + b"\0" * 2)) as archive:
        assert archive.namelist() == ["lib/basket.py", "spin.toml"]


def test_an_app_that_does_not_start(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state(status="failing", error="CrashLoopBackOff: ...")]
    done = blue("deploy", "app.py")
    assert done.code == 1
    assert "hello does not start: CrashLoopBackOff" in done.err


def test_a_deployment_that_fails(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    builds(service, deployment={"error": "Namespace 'default' not found"})
    done = blue("deploy", "app.py")
    assert done.code == 3
    assert "the deployment failed: Namespace 'default' not found" in done.err


def test_waiting_ends_when_the_time_is_over(service: Service, project: Path, blue: Blue) -> None:
    (project / "app.py").write_text(SOURCE)
    done = blue("deploy", "app.py", "--timeout", "1")
    assert done.code == 124
    assert "it goes on without this command" in done.err


@pytest.mark.parametrize("can_ask", [False, True])
@pytest.mark.parametrize("goes_on", [False, True])
def test_ctrl_c_asks_whether_the_build_goes_on(
    service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, can_ask: bool, goes_on: bool
) -> None:
    (project / "app.py").write_text(SOURCE)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("blue_faas_cli.follow.wait_for_build", interrupted)
    monkeypatch.setattr("blue_faas_cli.console.Output.can_ask", can_ask)
    done = blue("deploy", "app.py", input="y\n" if goes_on else "n\n")
    assert done.code == 130
    (row,) = service.account.rows()
    cancelled = can_ask and not goes_on
    assert row["status"] == ("failed" if cancelled else "pending")
    assert ("is cancelled" in done.err) == cancelled
    assert ("blue cancel" in done.err) == (not cancelled)


def test_what_is_large_goes_to_s3(service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "LARGEST_IN_REQUEST", len(SOURCE) - 1)
    (project / "app.py").write_text(SOURCE)
    done = blue("deploy", "app.py", "--no-wait")
    assert done.code == 0, done.err
    created, stored = service.requests
    assert created.url.path == "/api/v1/uploads"
    assert json.loads(service.bodies[0])["deploy"] == {"namespace": "default", "app_name": "hello"}
    assert service.bodies[1] == SOURCE.encode()
    assert stored.url.path.endswith("app.py")


def test_the_options_of_blue_toml_and_of_the_command_line(service: Service, project: Path, blue: Blue) -> None:
    (project / "blue.toml").write_text(
        'app_name = "from-file"\nsource = "main.py"\nworkspace_id = "team"\nnamespace = "apps"\n'
        '[deploy]\nmemory_limit = "64Mi"\nvariables = { a = "1", b = "2" }\n'
    )
    (project / "main.py").write_text(SOURCE)
    done = blue("deploy", "--no-wait", "--var", "b=3", "--var", "c=s:k@secret", "-w", "mine")
    assert done.code == 0, done.err
    sent = form(service)
    assert (sent["workspace_id"], sent["app_name"]) == (b"mine", b"from-file")
    assert json.loads(sent["deploy"]) == {
        "namespace": "apps",
        "app_name": "from-file",
        "memory_limit": "64Mi",
        "variables": {"a": "1", "b": "3", "c": {"secret": "s", "key": "k"}},
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Name the file or folder"),
        (("missing.py",), "missing.py does not exist"),
        (("app.py", "--app", "Not A Name"), "app_name: use lower-case"),
        (("app.py", "--var", "x"), "write NAME=VALUE"),
        (("app.py", "--url", "http://example.com", "--authorizer", "iam"), "not encrypted"),
        (("app.py", "--context", "other"), "No context is named 'other'"),
    ],
    ids=str,
)
def test_a_wrong_command_line_sends_nothing(
    service: Service, project: Path, blue: Blue, arguments: tuple[str, ...], text: str
) -> None:
    (project / "app.py").write_text(SOURCE)
    done = blue("deploy", *arguments)
    assert done.code == 2
    assert text in done.err
    assert service.requests == []


@pytest.mark.parametrize(
    ("refusal", "code", "text"),
    [
        ((403, {"message": "Forbidden"}), 3, "--authorizer iam"),
        ((401, {"message": "Unauthorized"}), 3, "does not let this caller in"),
        ((404, {"detail": "Namespace 'x' not found"}), 3, "error: Namespace 'x' not found"),
        ((422, {"detail": [{"loc": ["body", "app_name"], "msg": "no", "type": "x"}]}), 3, "error: app_name: no"),
        ((503, {"detail": "later"}), 4, "error: later"),
        ((500, {"message": "Internal Server Error"}), 4, "Internal Server Error"),
        ((200, {"not": "ours"}), 4, "is this the API's address"),
    ],
    ids=str,
)
def test_refusals_become_exit_codes(
    service: Service, project: Path, blue: Blue, refusal: tuple[int, dict[str, Any]], code: int, text: str
) -> None:
    (project / "app.py").write_text(SOURCE)
    service.refusal = refusal
    done = blue("deploy", "app.py", "-o", "json")
    assert done.code == code
    assert text in done.err
    assert json.loads(done.out) == refusal[1] or code == 4
