"""Commands about an app that nobody names: the one of the project that they are run in, where `blue deploy` puts it."""

import json
from pathlib import Path

import pytest

from cli.tests.conftest import Blue
from cli.tests.service import Service
from cli.tests.test_deploy import SOURCE, restored, state
from functions.models.apps import AppLog, AppLogLine, AppLogReplica, RevisionList

OWN = "/api/v1/apps/team-a/greeter"
OTHER = "/api/v1/apps/default/other"


@pytest.fixture
def running(service: Service) -> None:
    """An app of the project runs, and another one."""
    for app in (OWN, OTHER):
        _, _, _, _, namespace, name = app.split("/")
        line = AppLogLine(timestamp="2026-01-02T03:04:05Z", replica="r", message=f"of {name}")
        service.cluster["GET", app] = [
            state(name, namespace=namespace, endpoint=f"{name}.{namespace}.svc.cluster.local")
        ]
        service.cluster["GET", f"{app}/logs"] = [
            AppLog(
                app_name=name,
                namespace=namespace,
                replicas=[AppLogReplica(name="r")],
                lines=[line],
                cut=False,
                next="t",
            )
        ]
        service.cluster["GET", f"{app}/revisions"] = [RevisionList(app_name=name, namespace=namespace, revisions=[])]
        service.cluster["POST", f"{app}/rollback"] = [restored(3)]
    service.cluster["GET", "/"] = [(200, {"path": "/"})]
    service.cluster["GET", "/path"] = [(200, {"path": "/path"})]


@pytest.fixture
def greeter(project: Path) -> Path:
    """A project that is deployed to a namespace of its own."""
    (project / "app.py").write_text(SOURCE)
    (project / "blue.toml").write_text('app_name = "greeter"\nsource = "app.py"\n[deploy]\nnamespace = "team-a"\n')
    return project


def paths(service: Service) -> list[str]:
    """What the API was asked for, apart from the function's own answers."""
    return [request.url.path for request in service.requests if request.url.path.startswith("/api/")]


@pytest.mark.usefixtures("running", "greeter")
class TestInAProject:
    @pytest.mark.parametrize(
        ("words", "path"),
        [
            ("logs", f"{OWN}/logs"),
            ("app", OWN),
            ("revisions", f"{OWN}/revisions"),
            ("invoke", OWN),
            ("invoke /path", OWN),
            ("rollback --no-wait", f"{OWN}/rollback"),
            ("rollback 3 --no-wait", f"{OWN}/rollback"),
            ("logs other", f"{OTHER}/logs"),
            ("app other", OTHER),
            ("revisions other", f"{OTHER}/revisions"),
            ("invoke other", OTHER),
            ("rollback other --no-wait", f"{OTHER}/rollback"),
        ],
    )
    def test_a_command_is_about_its_app_unless_another_is_named(
        self, service: Service, blue: Blue, words: str, path: str
    ) -> None:
        done = blue(*words.split())
        assert done.code == 0, done.err
        assert paths(service) == [path]

    @pytest.mark.parametrize(
        ("words", "body"), [("rollback", {}), ("rollback 3", {"revision": 3}), ("rollback greeter 3", {"revision": 3})]
    )
    def test_a_number_is_a_revision(
        self, service: Service, blue: Blue, monkeypatch: pytest.MonkeyPatch, words: str, body: dict[str, int]
    ) -> None:
        monkeypatch.setenv("BLUE_NAMESPACE", "team-a")
        assert blue(*words.split()).code == 0
        assert json.loads(service.bodies[0]) == body
        assert paths(service) == [f"{OWN}/rollback", OWN]

    @pytest.mark.parametrize(
        ("words", "path"), [("invoke", "/"), ("invoke /path", "/path"), ("invoke other path", "/path")]
    )
    def test_what_begins_like_a_path_is_one(self, service: Service, blue: Blue, words: str, path: str) -> None:
        assert json.loads(blue(*words.split()).out) == {"path": path}

    def test_from_a_folder_below(
        self, service: Service, greeter: Path, blue: Blue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (greeter / "below").mkdir()
        monkeypatch.chdir(greeter / "below")
        assert blue("logs").out == "of greeter\n"

    def test_a_variable_goes_before_the_file(
        self, service: Service, blue: Blue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BLUE_APP_NAME", "another")
        blue("app")
        assert paths(service) == ["/api/v1/apps/team-a/another"]


def test_a_project_without_a_name_has_that_of_its_source(
    service: Service, running: None, project: Path, blue: Blue
) -> None:
    (project / "app.py").write_text(SOURCE)
    (project / "blue.toml").write_text('source = "app.py"\nnamespace = "team-a"\n')
    sent = blue("check", "-o", "json")
    blue("app")
    assert paths(service) == [f"/api/v1/apps/team-a/{json.loads(sent.out)['app_name']}"]


@pytest.mark.parametrize("words", ["logs", "app", "revisions", "invoke", "invoke /path", "rollback", "rollback 3"])
def test_elsewhere_the_app_has_to_be_named(service: Service, project: Path, blue: Blue, words: str) -> None:
    done = blue(*words.split())
    assert (done.code, service.requests) == (2, [])
    assert "Name the app; in a folder with blue.toml this is not needed" in done.err
