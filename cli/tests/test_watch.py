"""`blue up --watch` in a terminal: what starts a deploy, what does not, and what ends with it."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.tests.service import Service
from cli.tests.test_deploy import SOURCE, builds, deployed, fails, state
from functions.contracts.build_result import Finding
from local.cloud.processes import free_port
from tests.support.command_line import Terminal, environment

HELLO = "/api/v1/apps/default/hello"
STUB = """#!{python}
# The one-machine cloud's part: says that it is there, until it is stopped.
import http.server, pathlib, signal, sys, threading
(port,) = [word.removeprefix("PORT=") for word in sys.argv if word.startswith("PORT=")]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("the cloud is up", flush=True)
if {lasts}:
    server.serve_forever()
server.server_close()
pathlib.Path({noted!r}).write_text("ended")
"""


@pytest.fixture
def variables(service: Service, project: Path, tmp_path: Path) -> dict[str, str]:
    """A user with a project whose builds end well."""
    builds(service, deployment={"status": "done", **deployed()})
    service.cluster["GET", HELLO] = [state()]
    (project / "app.py").write_text(SOURCE)
    (project / "blue.toml").write_text('app_name = "hello"\nsource = "app.py"\n')
    return environment(tmp_path)


class Watching:
    """The command, and what it has shown since the last save."""

    def __init__(self, service: Service, project: Path, variables: dict[str, str], *options: str) -> None:
        self._service = service
        self.terminal = Terminal(
            project, variables, "up", "--watch", "--port", service.url.rpartition(":")[2], *options
        )
        self.address = service.url.replace("127.0.0.1", "hello.default.svc.localhost") + "/\r\n"

    def shows(self, *wanted: str) -> None:
        """Wait until texts are on the screen, in this order, and clear it."""
        for text in wanted:
            self.terminal.until(text)
            self.terminal.text = self.terminal.text.partition(text)[2]

    def deploys(self) -> None:
        """Wait for the address of a function that answers."""
        self.shows("Sending ", self.address)

    def tasks(self) -> int:
        """How many builds were started."""
        return len(self._service.account.rows())

    def ends(self) -> None:
        """Press Ctrl-C."""
        self.terminal.type("\x03")
        assert self.terminal.end() == 130, self.terminal.text


@pytest.fixture
def watching(service: Service, project: Path, variables: dict[str, str]) -> Iterator[Watching]:
    """The command on the project, after the first deploy."""
    made = Watching(service, project, variables)
    made.shows("Using the cloud that runs at", "Watching app.py")
    made.deploys()
    yield made
    made.ends()


def save(file: Path, content: str) -> None:
    """Save as editors do, in one step: a new file in the place of the old one."""
    fresh = Path(os.environ["BLUE_CONFIG"]).with_name("fresh")
    fresh.write_text(content)
    fresh.replace(file)


def test_each_save_deploys_and_nothing_else_does(project: Path, watching: Watching) -> None:
    (project / "app.py").write_text(SOURCE + "# second\n")
    watching.deploys()
    save(project / "app.py", SOURCE + "# third\n")
    watching.deploys()
    save(project / "notes.txt", "not sent")
    (project / "app.py").touch()
    save(project / "app.py", SOURCE + "# third\n")
    save(project / "blue.toml", 'app_name = "hello"\nsource = "app.py"\n[deploy]\nreplicas = 2\n')
    watching.deploys()
    assert watching.tasks() == 4


def test_a_build_that_fails_shows_where_and_the_next_save_goes_on(
    service: Service, project: Path, watching: Watching
) -> None:
    works = service.on_started
    fails(service, "app.py:2: error: no", Finding(file="app.py", line=2, message="no"))
    save(project / "app.py", "x = 1\ny = 2\n")
    watching.shows("app.py:2: error: no", "    2 | y = 2", "failed: 1 error")
    service.on_started = works
    save(project / "app.py", SOURCE)
    watching.deploys()


@pytest.mark.parametrize(
    ("file", "content", "shown"),
    [
        ("blue.toml", "app_name = ", "blue.toml"),
        ("blue.toml", 'app_name = "hello"\nsource = "app.py"\n[deploy]\nno_such = 1\n', "no_such"),
        ("app.py", "", "app.py is empty"),
    ],
    ids=["no TOML", "no option", "empty"],
)
def test_what_cannot_be_sent_is_said_and_waited_for(
    project: Path, watching: Watching, file: str, content: str, shown: str
) -> None:
    save(project / file, content)
    watching.shows("error: ", shown)
    save(project / "blue.toml", 'app_name = "hello"\nsource = "app.py"\n')
    save(project / "app.py", SOURCE + "# better\n")
    watching.deploys()


def test_newer_content_does_not_wait_for_an_app_that_never_answers(
    service: Service, project: Path, watching: Watching
) -> None:
    service.cluster["GET", HELLO] = [state(status="progressing")]
    save(project / "app.py", SOURCE + "# hangs\n")
    watching.shows("Sending ", "starting")
    service.cluster["GET", HELLO] = [state(status="progressing"), state()]
    save(project / "app.py", SOURCE + "# newest\n")
    watching.deploys()


def test_a_folder_is_watched_but_for_what_is_ignored(
    service: Service, project: Path, variables: dict[str, str]
) -> None:
    for name in ("spin.toml", "a.py", "lib/b.py", "data/c.txt", ".blueignore"):
        (project / name).parent.mkdir(exist_ok=True)
        save(project / name, "")
    save(project / "spin.toml", '[application]\nname = "hello"\n')
    save(project / ".blueignore", "data/\n")
    save(project / "blue.toml", 'app_name = "hello"\n')
    watching = Watching(service, project, variables)
    watching.deploys()
    save(project / "data" / "c.txt", "ignored")
    (project / "__pycache__").mkdir()
    save(project / "__pycache__" / "a.pyc", "ignored")
    save(project / "lib" / "b.py", "x = 1\n")
    watching.deploys()
    save(project / ".blueignore", "")
    watching.deploys()
    save(project / "data" / "c.txt", "no longer ignored")
    watching.deploys()
    assert watching.tasks() == 4
    watching.ends()


@pytest.mark.parametrize("end", ["\x03", "hangs up"])
def test_the_cloud_that_it_starts_ends_with_it(
    project: Path, variables: dict[str, str], tmp_path: Path, end: str
) -> None:
    noted = tmp_path / "noted"
    terminal = _starts(project, variables, tmp_path, noted, lasts=True)
    terminal.until("the cloud is up")
    terminal.until("Watching app.py")
    assert not noted.exists()
    if end == "\x03":
        terminal.type(end)
        assert terminal.end() == 130, terminal.text
    else:
        terminal.hang_up()
    assert noted.read_text() == "ended"


def test_it_ends_with_the_cloud(project: Path, variables: dict[str, str], tmp_path: Path) -> None:
    terminal = _starts(project, variables, tmp_path, tmp_path / "noted", lasts=False)
    assert terminal.end() == 4, terminal.text
    assert "The one-machine cloud has ended" in terminal.text


def _starts(project: Path, variables: dict[str, str], tmp_path: Path, noted: Path, *, lasts: bool) -> Terminal:
    """Run the command with a `make` that is the cloud."""
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "bin").mkdir()
    make = tmp_path / "bin" / "make"
    make.write_text(STUB.format(python=sys.executable, lasts=lasts, noted=str(noted)))
    make.chmod(stat.S_IRWXU)
    own = {"PATH": f"{make.parent}{os.pathsep}{variables['PATH']}", "BLUE_CHECKOUT": str(root)}
    return Terminal(project, {**variables, **own}, "up", "--watch", "--port", str(free_port()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--watch", "--no-cluster"], "with a cluster"),
        (["--watch", "--authorizer", "iam"], "asks nobody who calls"),
        (["--watch", "missing.py"], "missing.py does not exist"),
        (["app.py"], "Only --watch takes a file"),
    ],
)
def test_what_it_cannot_do_is_said_before_anything_starts(
    project: Path, variables: dict[str, str], options: list[str], said: str
) -> None:
    terminal = Terminal(project, variables, "up", *options)
    assert terminal.end() == 2
    assert said in terminal.text
