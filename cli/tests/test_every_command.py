"""Every command, as each kind of caller: it does its work, or says clearly what is wrong and ends with its exit code.

The commands are those of the command line itself: one that has no case here fails.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import typer.main
from blue_faas_cli.config import config_file
from blue_faas_cli.contexts import write_context
from blue_faas_cli.main import app
from blue_faas_cli.problems import Exit

from cli.tests import doors
from cli.tests.conftest import Blue
from cli.tests.service import Service
from cli.tests.test_commands import measured
from cli.tests.test_deploy import SOURCE, builds, deployed, restored, state
from functions.models.apps import AppDeleted, AppList, RevisionList
from local.cloud import issuer
from tests.support.client import PATIENCE
from tests.support.command_line import COMMAND, Terminal, environment, run

Answers = Mapping[tuple[str, str], Any]
HELLO: Final = "/api/v1/apps/default/hello"
COMMANDS: Final = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group


@dataclass(frozen=True)
class Case:
    """How a command is called, what the cluster's half answers, and how it ends for a caller who may."""

    words: str
    answers: Answers = field(default_factory=dict)
    code: Exit = Exit.OK
    asks: bool = True
    """Whether it asks the API something that only a caller may."""


STATE: Final[Answers] = {("GET", HELLO): state()}
APPS: Final[Answers] = {("GET", "/api/v1/apps"): AppList(namespace="default", apps=[])}
CASES: Final = {
    "init": Case("init fresh", asks=False),
    "check": Case("check app.py", asks=False),
    "up": Case("up", code=Exit.USAGE, asks=False),
    "deploy": Case("deploy app.py", STATE),
    "logs": Case("logs {task}"),
    "tasks": Case("tasks"),
    "task": Case("task {task}"),
    "cancel": Case("cancel {task}"),
    "apps": Case("apps", APPS),
    "app": Case("app hello", STATE),
    "metrics": Case("metrics hello", {("GET", f"{HELLO}/metrics"): measured("hello")}),
    "revisions": Case(
        "revisions hello",
        {("GET", f"{HELLO}/revisions"): RevisionList(app_name="hello", namespace="default", revisions=[])},
    ),
    "rollback": Case("rollback hello", {**STATE, ("POST", f"{HELLO}/rollback"): restored(3)}),
    "delete": Case("delete hello -y", {("DELETE", HELLO): AppDeleted(app_name="hello", namespace="default")}),
    "invoke": Case("invoke hello", {**STATE, ("GET", "/"): (200, {})}),
    "open": Case("open hello", STATE),
    "login": Case("login other --url {url}"),
    "logout": Case("logout kept", asks=False),
    "doctor": Case("doctor", APPS),
    "completion": Case("completion bash", asks=False),
}
ENDLESS: Final = ("ui", "mcp")
"""They serve until they are stopped, each in a process of its own."""
ASKING: Final = [name for name, case in CASES.items() if case.asks]
NO_AWS: Final = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of the issuer that the API trusts."""
    file = tmp_path_factory.mktemp("issuer") / "key.json"
    issuer.make_key(file)
    return file


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of another issuer."""
    file = tmp_path_factory.mktemp("other") / "key.json"
    issuer.make_key(file)
    return file


@pytest.fixture
def words(service: Service, project: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """How the command is called, in a folder with a source and as a user with a context; its task is done."""
    for variable, value in NO_AWS.items():
        monkeypatch.setenv(variable, value)
    builds(service, deployment={"status": "done", **deployed()})
    (project / "app.py").write_text(SOURCE)
    write_context(config_file(), "kept", {"url": service.url})
    case = CASES[name]
    task = blue("deploy", "app.py", "--no-wait").out.strip() if "{task}" in case.words else ""
    service.requests.clear()
    return case.words.format(task=task, url=service.url).split()


def put_up(service: Service, authorizer: str, key: Path) -> None:
    """Have the service ask who calls."""
    service.door = {"none": None, "iam": doors.signatures, "jwt": doors.tokens(key)}[authorizer]
    service.cluster["GET", "/openapi.json"] = [(200, {"paths": {}})]


def caller(authorizer: str, key: Path) -> dict[str, str]:
    """The settings of somebody who may call."""
    own = {"none": {}, "iam": doors.KEYS, "jwt": {"BLUE_TOKEN": issuer.mint(key, ["default"])}}[authorizer]
    return {"BLUE_AUTHORIZER": authorizer, **own}


def stranger(kind: str, other_key: Path) -> dict[str, str]:
    """The settings of somebody who may not."""
    return {
        "a token of another issuer": {"BLUE_TOKEN": issuer.mint(other_key, ["default"])},
        "nobody": {"BLUE_AUTHORIZER": "none"},
        "no credentials": {"BLUE_AUTHORIZER": "iam", "AWS_REGION": doors.REGION},
        "another secret": {"BLUE_AUTHORIZER": "iam", **doors.KEYS, "AWS_SECRET_ACCESS_KEY": "made-up"},
        "no token": {"BLUE_AUTHORIZER": "jwt"},
    }[kind]


REFUSED_BY_THE_API: Final = [("iam", "another secret"), ("jwt", "a token of another issuer")]
WITHOUT_CREDENTIALS: Final = [
    ("iam", "nobody", "--authorizer iam signs"),
    ("iam", "no credentials", "No AWS credentials"),
    ("jwt", "nobody", "BLUE_TOKEN sends a token"),
    ("jwt", "no token", "The API asks for a token"),
]


def test_no_command_is_forgotten() -> None:
    assert {*CASES, *ENDLESS} == set(COMMANDS)


@pytest.mark.parametrize(("authorizer", "form"), [("none", "text"), ("iam", "json"), ("jwt", "json")])
@pytest.mark.parametrize("name", CASES)
def test_a_caller_who_may(
    service: Service,
    blue: Blue,
    words: list[str],
    key: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    authorizer: str,
    form: str,
) -> None:
    case = CASES[name]
    put_up(service, authorizer, key)
    service.cluster.update({called: [answer] for called, answer in case.answers.items()})
    for variable, value in caller(authorizer, key).items():
        monkeypatch.setenv(variable, value)
    done = blue(*words, "-o", form)
    assert done.code == case.code, done.err
    assert bool(service.requests) == case.asks
    assert ("error: " in done.err) == (case.code != Exit.OK)
    if form == "json":
        assert documents(done.out)
    for secret in (doors.SECRET_KEY, os.environ.get("BLUE_TOKEN", doors.SECRET_KEY)):
        assert secret not in done.out + done.err


@pytest.mark.parametrize(("authorizer", "kind"), REFUSED_BY_THE_API)
@pytest.mark.parametrize("name", ASKING)
def test_a_caller_who_may_not(
    service: Service,
    blue: Blue,
    words: list[str],
    key: Path,
    other_key: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    authorizer: str,
    kind: str,
) -> None:
    put_up(service, authorizer, key)
    for variable, value in stranger(kind, other_key).items():
        monkeypatch.setenv(variable, value)
    before = len(service.account.rows())
    done = blue(*words, "-o", "json")
    assert done.code == Exit.REFUSED, done.err
    assert "does not let this caller in" in (done.out if name == "doctor" else done.err)
    assert documents(done.out)
    assert "made-up" not in done.out + done.err
    assert len(service.account.rows()) == before, "nothing was started or removed"


@pytest.mark.parametrize(("authorizer", "kind", "said"), WITHOUT_CREDENTIALS)
@pytest.mark.parametrize("name", ["tasks", "doctor"])
def test_a_caller_without_credentials(
    service: Service,
    blue: Blue,
    words: list[str],
    key: Path,
    other_key: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    authorizer: str,
    kind: str,
    said: str,
) -> None:
    put_up(service, authorizer, key)
    if kind == "no credentials":  # else they stay: the handlers, in this process, have them too
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
    for variable, value in stranger(kind, other_key).items():
        monkeypatch.setenv(variable, value)
    done = blue(*words)
    assert done.code == Exit.REFUSED, done.err
    assert said in (done.out if name == "doctor" else done.err)


@pytest.mark.parametrize("name", ASKING)
def test_a_service_that_fails_is_told_from_a_refusal(service: Service, blue: Blue, words: list[str], name: str) -> None:
    service.refusal = (500, {"message": "Internal Server Error"})
    done = blue(*words)
    assert done.code == Exit.NO_ANSWER
    assert "Internal Server Error" in done.out + done.err


def documents(out: str) -> list[Any]:
    """What was written as JSON: one document, or one on each line."""
    try:
        return [json.loads(out)]
    except ValueError:
        return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("authorizer", ["none", "iam", "jwt"])
def test_the_page_asks_as_its_caller(service: Service, tmp_path: Path, key: Path, authorizer: str) -> None:
    put_up(service, authorizer, key)
    variables = environment(tmp_path, BLUE_URL=service.url, **NO_AWS, **caller(authorizer, key))
    terminal = Terminal(tmp_path, variables, "ui", "--no-browser")
    terminal.until("Ctrl-C ends it.")
    ((address, own),) = re.findall(r"(http://\S+)/ui#key=(\S+)", terminal.text)
    headers = {"authorization": f"Bearer {own}"}
    tasks = f"{address}/api/v1/workspaces/default/tasks"
    answer = httpx.get(tasks, params={"limit": "2"}, headers=headers, timeout=PATIENCE)
    assert answer.json() == {"tasks": [], "next": None}
    terminal.type("\x03")
    assert terminal.end() == Exit.INTERRUPTED


@pytest.mark.parametrize(("kind", "said"), [("no credentials", "No AWS credentials"), ("no token", "asks for a token")])
def test_the_page_is_not_served_without_credentials(
    service: Service, tmp_path: Path, other_key: Path, kind: str, said: str
) -> None:
    service.cluster["GET", "/openapi.json"] = [(200, {"paths": {}})]
    variables = environment(tmp_path, BLUE_URL=service.url, **NO_AWS, **stranger(kind, other_key))
    done = run(tmp_path, variables, "ui", "--no-browser")
    assert (done.returncode, done.stdout) == (Exit.REFUSED, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


@pytest.mark.parametrize("authorizer", ["iam", "jwt"])
def test_tools_for_agents_ask_as_their_caller(service: Service, tmp_path: Path, key: Path, authorizer: str) -> None:
    put_up(service, authorizer, key)
    variables = environment(tmp_path, BLUE_URL=service.url, **NO_AWS, **caller(authorizer, key))
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "tasks", "arguments": {}}},
    ]
    with subprocess.Popen(
        [*COMMAND, "mcp"], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in messages:
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.wait() == Exit.OK
    assert answers[1]["result"]["structuredContent"] == {"tasks": [], "next": None}
