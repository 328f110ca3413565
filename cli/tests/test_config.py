"""Where settings come from, and what a stranger's project cannot set."""

from pathlib import Path

import pytest
from blue_faas_cli.config import LOCAL_URL, Project, read_contexts, read_project, resolve
from blue_faas_cli.contexts import write_context
from blue_faas_cli.problems import BlueError

EXECUTE_API = "https://abc123.execute-api.eu-west-1.amazonaws.com"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a context that is the current one, and another."""
    path = tmp_path / "settings" / "config.toml"
    write_context(path, "other", {"url": "https://other.example", "workspace_id": "theirs"})
    write_context(path, "mine", {"url": EXECUTE_API, "workspace_id": "from-context", "namespace": 'a"\\\x7f'})
    return path


def test_each_setting_comes_from_the_first_place_that_has_it(path: Path) -> None:
    project = Project(path.parent, settings={"workspace_id": "from-project"})
    settings = resolve({}, {}, project, path)
    assert (settings.context, settings.url, settings.workspace_id) == ("mine", EXECUTE_API, "from-project")
    assert resolve({}, {"BLUE_WORKSPACE": "v"}, project, path).workspace_id == "v"
    assert resolve({"workspace_id": "f"}, {"BLUE_WORKSPACE": "v"}, project, path).workspace_id == "f"
    assert resolve({}, {}, Project(path.parent), path).workspace_id == "from-context"
    assert resolve({}, {}, Project(path.parent), path).namespace == 'a"\\\x7f'


def test_a_project_chooses_a_context_and_an_address_leaves_them_aside(path: Path) -> None:
    project = Project(path.parent, settings={"context": "other"})
    assert resolve({}, {}, project, path).url == "https://other.example"
    assert resolve({}, {"BLUE_CONTEXT": "mine"}, project, path).url == EXECUTE_API
    settings = resolve({"url": "http://localhost:81/"}, {}, Project(path.parent), path)
    assert (settings.url, settings.workspace_id, settings.context) == ("http://localhost:81", "default", None)


def test_without_anything_it_is_this_machine(tmp_path: Path) -> None:
    settings = resolve({}, {}, Project(tmp_path), tmp_path / "none.toml")
    assert (settings.url, settings.authorizer, settings.is_local) == (LOCAL_URL, "none", True)


@pytest.mark.parametrize(
    ("url", "environment", "authorizer"),
    [
        (EXECUTE_API, {}, "iam"),
        (EXECUTE_API, {"BLUE_TOKEN": "t"}, "jwt"),
        ("https://api.example.com", {}, "iam"),
        ("http://127.0.0.1:8000", {"BLUE_AUTHORIZER": "iam"}, "iam"),
        ("http://127.0.0.1.evil.example", {"BLUE_AUTHORIZER": "none"}, "none"),
    ],
)
def test_who_calls_follows_from_the_address(url: str, environment: dict[str, str], authorizer: str) -> None:
    assert resolve({"url": url}, environment, Project(Path())).authorizer == authorizer


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example"]
)
@pytest.mark.parametrize("environment", [{}, {"BLUE_TOKEN": "t"}])
def test_credentials_go_nowhere_unencrypted(url: str, environment: dict[str, str]) -> None:
    with pytest.raises(BlueError, match="is not encrypted"):
        resolve({"url": url}, environment, Project(Path()))


def test_the_region_is_in_the_address() -> None:
    assert resolve({"url": EXECUTE_API}, {}, Project(Path())).region == "eu-west-1"
    assert resolve({"url": EXECUTE_API, "region": "us-east-1"}, {}, Project(Path())).region == "us-east-1"


def test_a_token_is_in_no_representation() -> None:
    assert "s3cret" not in repr(resolve({"url": EXECUTE_API}, {"BLUE_TOKEN": "s3cret"}, Project(Path())))


@pytest.mark.parametrize(
    "setting", ["url", "authorizer", "profile", "region", "token", "issuer", "client_id", "scope", "audience"]
)
def test_a_project_does_not_say_where_credentials_go(tmp_path: Path, setting: str) -> None:
    (tmp_path / "blue.toml").write_text(f'{setting} = "x"\n')
    with pytest.raises(BlueError, match=f"'{setting}' is not a setting"):
        read_project(tmp_path)


@pytest.mark.parametrize("text", ["x", "app_name = 1", "deploy = 1", "deploy = ["])
def test_a_project_file_that_means_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "blue.toml").write_text(text)
    with pytest.raises(BlueError, match=r"blue\.toml"):
        read_project(tmp_path)


def test_the_nearest_project_file_counts(tmp_path: Path) -> None:
    (tmp_path / "blue.toml").write_text('app_name = "outer"\n[deploy]\nreplicas = 2\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    project = read_project(tmp_path / "a" / "b")
    assert (project.folder, project.app_name, project.deploy) == (tmp_path, "outer", {"replicas": 2})
    (tmp_path / "a" / "blue.toml").write_text('app_name = "inner"\n')
    assert read_project(tmp_path / "a" / "b").app_name == "inner"


@pytest.mark.parametrize("text", ["x = 1", "contexts = 1", "[contexts]\na = 1", "[contexts.a]\nother = 'x'"])
def test_contexts_that_mean_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BlueError, match=r"config\.toml"):
        read_contexts(tmp_path / "config.toml")
