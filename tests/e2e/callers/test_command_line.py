"""`blue` from an empty folder to an answer, typed in a terminal."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import command_line
from tests.support.client import EXAMPLES, Client
from tests.support.command_line import Terminal


@pytest.fixture
def variables(cloud: Client, tmp_path: Path) -> dict[str, str]:
    """The settings of a person who uses this cloud."""
    return command_line.environment(tmp_path, BLUE_URL=cloud.url, BLUE_WORKSPACE="typed")


def test_from_nothing_to_an_answer(cloud: Client, tmp_path: Path, variables: dict[str, str]) -> None:
    made = command_line.run(tmp_path, variables, "init", "typed-hello")
    assert made.returncode == 0, made.stderr
    terminal = Terminal(tmp_path / "typed-hello", variables, "deploy")
    assert terminal.end() == 0, terminal.text
    assert "typed-hello is available: revision 1" in terminal.text
    address = f"http://typed-hello.default.svc.localhost:{cloud.cloud.port}/"
    assert address in terminal.text
    assert "\x1b[" in terminal.text
    assert command_line.run(tmp_path, variables, "open", "typed-hello").stdout == f"{address}\n"
    curl = ["curl", "--silent", address]
    assert subprocess.run(curl, capture_output=True, text=True, check=True).stdout == "Hello from typed-hello!\n"
    called = command_line.run(tmp_path, variables, "invoke", "typed-hello")
    assert called.stdout == "Hello from typed-hello!\n"
    (app,) = (
        app
        for app in json.loads(command_line.run(tmp_path, variables, "apps", "-o", "json").stdout)["apps"]
        if app["app_name"] == "typed-hello"
    )
    assert app["available"]
    assert command_line.run(tmp_path, variables, "delete", "typed-hello", "--yes").returncode == 0


def test_a_type_error_is_shown_where_it_stands(cloud: Client, tmp_path: Path, variables: dict[str, str]) -> None:
    source = EXAMPLES / "type-error" / "app.py"
    done = command_line.run(tmp_path, variables, "deploy", str(source))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"\n{source}:12: error: Incompatible types" in done.stderr
    assert '   12 |         body: int = greeting("world")' in done.stderr
    assert "\x1b" not in done.stderr


def test_each_save_of_a_watched_project_answers(cloud: Client, tmp_path: Path, variables: dict[str, str]) -> None:
    variables["BLUE_WORKSPACE"] = "watched"
    command_line.run(tmp_path, variables, "init", "saved")
    project = tmp_path / "saved"
    source = (project / "app.py").read_text()
    address = f"http://saved.default.svc.localhost:{cloud.cloud.port}/"
    terminal = Terminal(project, variables, "up", "--watch", "--port", str(cloud.cloud.port))

    def save(content: str) -> None:
        terminal.text = ""
        (tmp_path / "fresh").write_text(content)
        (tmp_path / "fresh").replace(project / "app.py")

    def answer() -> str:
        return subprocess.run(["curl", "--silent", address], capture_output=True, text=True, check=True).stdout

    terminal.until(f"{address}\r\n")
    assert answer() == "Hello from saved!\n"
    save(source.replace("Hello from", "Saved by"))
    terminal.until(f"{address}\r\n")
    assert answer() == "Saved by saved!\n"
    save(source.replace("Response(200", 'Response("200"'))
    terminal.until("app.py:8: error: ")
    terminal.until("1 error")
    assert answer() == "Saved by saved!\n", "the version before"
    (project / "notes.txt").write_text("not sent")
    save(source.replace("Hello from", "Mended by"))
    terminal.until(f"{address}\r\n")
    assert answer() == "Mended by saved!\n"
    terminal.type("\x03")
    assert terminal.end() == 130
    tasks = json.loads(command_line.run(tmp_path, variables, "tasks", "-o", "json").stdout)["tasks"]
    assert [task["status"] for task in tasks] == ["done", "failed", "done", "done"]
    assert command_line.run(tmp_path, variables, "delete", "saved", "--yes").returncode == 0


@pytest.mark.parametrize(("answer", "outcome"), [("n", "is cancelled"), ("y", "the build goes on")])
def test_ctrl_c_asks(cloud: Client, tmp_path: Path, variables: dict[str, str], answer: str, outcome: str) -> None:
    source = tmp_path / "app.py"
    source.write_text((EXAMPLES / "hello" / "app.py").read_text() + f"# {answer}\n")
    terminal = Terminal(tmp_path, variables, "deploy", "app.py", "--build-only")
    terminal.until("Task ")
    terminal.type("\x03")
    terminal.until("Let the build go on?")
    terminal.type(f"{answer}\n")
    assert terminal.end() == 130
    assert outcome in terminal.text
