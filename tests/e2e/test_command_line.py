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
