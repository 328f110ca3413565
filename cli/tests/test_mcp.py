"""`blue mcp`, called by the SDK's own client over stdin and stdout."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from blue_faas_cli.agents.server import create_server
from blue_faas_cli.console import Output
from blue_faas_cli.session import Flags, Session

from cli.tests.conftest import Blue
from cli.tests.service import Service
from cli.tests.test_commands import measured
from cli.tests.test_deploy import IMAGE, SOURCE, builds, deployed, fails, form, restored, state
from functions.contracts.build_result import Finding
from functions.models.apps import AppList, AppLog, AppLogLine, AppLogReplica
from tests.support import command_line
from tests.support.agent import Agent, agent_of, text

READING = {"apps", "app", "revisions", "tasks", "task", "logs", "metrics"}
ERROR = 'app.py:2: error: Incompatible types in assignment (expression has type "str", variable has type "int")'


@pytest.fixture(scope="module")
def _agent(_serving: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    home = tmp_path_factory.mktemp("agent")
    folder = home / "hello"
    folder.mkdir()
    with agent_of(folder, command_line.environment(home, BLUE_URL=_serving.url)) as agent:
        yield agent


@pytest.fixture
def agent(_agent: Agent, service: Service, blue: Blue) -> Iterator[Agent]:
    """An agent with a source, and a service that has seen nothing of it."""
    (_agent.folder / "app.py").write_text(SOURCE)
    yield _agent
    for path in _agent.folder.iterdir():
        path.unlink()


def test_tools_say_what_they_change(agent: Agent) -> None:
    tools = agent.tools()
    assert tools.keys() == READING | {"build", "deploy", "rollback"}
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert {name for name, hint in hints.items() if hint and hint.read_only_hint} == READING
    assert {name for name, hint in hints.items() if hint and hint.destructive_hint} == {"deploy", "rollback"}
    assert {name for name, hint in hints.items() if hint and hint.destructive_hint is False} == {"build"}
    assert all("Ask the user first" in str(tools[name].description) for name in ("deploy", "rollback"))
    assert "workspace default, namespace default" in agent.instructions()


def test_inputs_are_typed(agent: Agent) -> None:
    for tool in agent.tools().values():
        described = [each for each in tool.input_schema["properties"].values() if "description" in json.dumps(each)]
        assert len(described) == len(tool.input_schema["properties"]), tool.name
        assert "context" not in tool.input_schema["properties"]
    app_name = agent.tools()["rollback"].input_schema["properties"]["app_name"]
    assert (app_name["type"], app_name["maxLength"]) == ("string", 52)


def test_a_build(agent: Agent, service: Service) -> None:
    builds(service)
    task = agent.done("build", path="app.py", app_name="greeter")
    assert (task["status"], task["result"]["image_url"]) == ("done", IMAGE)
    sent = form(service)
    assert (sent["app_name"], sent["file"]) == (b"greeter", SOURCE.strip().encode())
    assert "deploy" not in sent
    assert agent.done("tasks")["tasks"][0]["task_id"] == task["task_id"]
    assert agent.done("task", task_id=task["task_id"])["status"] == "done"
    assert agent.done("logs", target=task["task_id"])["result"] == "step one\nstep two \\x1b[31m"
    assert agent.done("logs", target=task["task_id"], tail=1)["result"] == "step two \\x1b[31m"


def test_a_build_that_fails_says_where(agent: Agent, service: Service) -> None:
    fails(service, ERROR, Finding(file="app.py", line=2, severity="error", message="Incompatible types", code=None))
    said = agent.refused("build", path="app.py")
    assert f"{agent.folder}/{ERROR}" in said
    assert "    2 | y: int = 'one'" in said
    (task,) = agent.done("tasks")["tasks"]
    assert ERROR in agent.refused("task", task_id=task["task_id"])


def test_a_deploy(agent: Agent, service: Service) -> None:
    (agent.folder / "blue.toml").write_text(
        'app_name = "hello"\nsource = "app.py"\n[deploy]\nmemory_limit = "64Mi"\nvariables = { greeting = "hi" }\n'
    )
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state(status="progressing"), state()]
    done = agent.done("deploy", variables={"password": {"secret": "database", "key": "password"}})
    assert (done["status"], done["deployment"]["status"], done["app"]["status"]) == ("done", "deployed", "available")
    assert done["app"]["address"] == service.url.replace("127.0.0.1", "hello.default.svc.localhost") + "/"
    assert json.loads(form(service)["deploy"]) == {
        "namespace": "default",
        "app_name": "hello",
        "memory_limit": "64Mi",
        "variables": {"greeting": "hi", "password": {"secret": "database", "key": "password"}},
    }
    assert agent.done("app", app_name="hello")["address"] == done["app"]["address"]


def test_a_deployment_that_fails_says_why(agent: Agent, service: Service) -> None:
    builds(service, deployment={"error": "no quota is left in namespace default"})
    assert "no quota is left in namespace default" in agent.refused("deploy", path="app.py")
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state(status="failing", error="it ends at once")]
    (agent.folder / "app.py").write_text(f"{SOURCE}# another\n")
    assert "hello does not start: it ends at once" in agent.refused("deploy", path="app.py", app_name="hello")


def test_what_takes_longer_goes_on(agent: Agent, service: Service) -> None:
    task = agent.done("build", path="app.py", wait_seconds=0)
    assert task["status"] == "pending"
    started = threading.Event()
    told: list[str | None] = []

    def tell(message: str | None) -> None:
        told.append(message)
        started.set()

    def end() -> None:
        assert started.wait(60)
        service.log(task["task_id"], "step one")
        service.end("default", task["task_id"], error=ERROR)

    ending = threading.Thread(target=end)
    ending.start()
    assert ERROR in text(agent.call("task", tell, task_id=task["task_id"], wait_seconds=120))
    ending.join()
    assert told


def test_a_rollback(agent: Agent, service: Service) -> None:
    path = "/api/v1/apps/default/hello"
    service.cluster["POST", f"{path}/rollback"] = [restored(4), (409, {"detail": "hello has no revision 9"})]
    service.cluster["GET", path] = [state(revision=4)]
    done = agent.done("rollback", app_name="hello", revision=2)
    assert (done["revision"], done["app"]["status"]) == (4, "available")
    assert json.loads(service.bodies[0]) == {"revision": 2}
    assert "hello has no revision 9" in agent.refused("rollback", app_name="hello", revision=9)
    service.cluster["POST", f"{path}/rollback"] = [restored(5)]
    service.cluster["GET", path] = [state(status="progressing", revision=5)]
    assert agent.done("rollback", app_name="hello", wait_seconds=0)["app"]["status"] == "progressing"


def test_apps_and_their_logs(agent: Agent, service: Service) -> None:
    service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="default", apps=[])]
    assert agent.done("apps") == {"namespace": "default", "apps": []}
    log = AppLog(
        app_name="hello",
        namespace="default",
        replicas=[AppLogReplica(name="hello-1"), AppLogReplica(name="hello-2", note="has not started")],
        lines=[AppLogLine(timestamp="2026-01-02T03:04:05Z", replica="hello-1", message="Ada \x1b[2J")],
        cut=False,
        next=None,
    )
    service.cluster["GET", "/api/v1/apps/default/hello/logs"] = [log]
    assert agent.done("logs", target="hello")["result"] == "hello-2: has not started\nhello-1 Ada \\x1b[2J"


def test_what_was_measured_of_an_app(agent: Agent, service: Service) -> None:
    found = measured("hello")
    service.cluster["GET", "/api/v1/apps/default/hello/metrics"] = [found]
    assert agent.done("metrics", app_name="hello") == found.model_dump(mode="json")
    agent.done("metrics", app_name="hello", minutes=15)
    asked = [dict(request.query_params) for request in service.requests]
    assert [(query["minutes"], query["period"]) for query in asked] == [("60", "300"), ("15", "60")]
    assert "1440" in agent.refused("metrics", app_name="hello", minutes=1441)


@pytest.mark.parametrize("path", ["../secret.py", "/etc/hostname", "link.py", "missing.py", "."])
def test_nothing_beside_the_folder_is_read(agent: Agent, service: Service, path: str) -> None:
    secret = agent.folder.parent / "secret.py"
    secret.write_text("KEY = 'secret'\n")
    (agent.folder / "link.py").symlink_to(secret)
    (agent.folder / "blue.toml").write_text('source = "../secret.py"\n')
    expected = {"missing.py": "does not exist", ".": "is a link"}.get(path, "is all that these tools read")
    assert expected in agent.refused("build", path=path)
    assert "is all that these tools read" in agent.refused("deploy")
    assert service.requests == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("rollback", {"app_name": "Hello World"}),
        ("rollback", {"app_name": "hello", "revision": 0}),
        ("deploy", {"variables": {"Not a name": "x"}}),
        ("deploy", {"wait_seconds": 901}),
        ("logs", {"target": "hello", "tail": 1001}),
    ],
)
def test_what_cannot_be_is_not_sent(agent: Agent, service: Service, tool: str, arguments: dict[str, Any]) -> None:
    assert agent.refused(tool, **arguments)
    assert service.requests == []


def test_a_refusal_is_the_words_of_the_api(agent: Agent, service: Service) -> None:
    service.refusal = (404, {"detail": "Workspace 'default' not found"})
    assert "Workspace 'default' not found" in agent.refused("deploy", path="app.py")
    service.refusal = (403, {"message": "Forbidden"})
    said = agent.refused("tasks")
    assert "does not let this caller in (Forbidden)" in said
    assert "Traceback" not in said


def test_reading_only(service: Service, blue: Blue, project: Path) -> None:
    server = create_server(Session(Flags(), Output(as_json=False)), project, read_only=True)
    assert {tool.name for tool in anyio.run(server.list_tools)} == READING


def test_the_folder_may_be_another(service: Service, blue: Blue, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "app.py").write_text(SOURCE)
    builds(service)
    variables = command_line.environment(tmp_path, BLUE_URL=service.url)
    with agent_of(tmp_path / "elsewhere", variables, "--folder", str(other)) as agent:
        assert agent.done("build", path="app.py")["status"] == "done"


def test_without_the_extra_it_says_what_to_install(blue: Blue, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("blue_faas_cli.agents", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = blue("mcp")
    assert done.code == 2
    assert "[mcp]" in done.err
