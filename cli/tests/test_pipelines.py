"""docs/pipelines: pipelines that their schemas take, roles that trust one branch, commands that run as written."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import check_jsonschema
import pytest
import typer.main
import yaml
from blue_faas_cli.main import app
from click.testing import CliRunner

from cli.tests.conftest import Blue
from cli.tests.security_token_service import ACCESS_KEY, sts, token
from cli.tests.service import Service
from cli.tests.test_deploy import SOURCE, builds, deployed, state
from tests.support import command_line
from tests.support.trust import ACCOUNT, allows, trusts

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pipelines"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/blue-faas-pipeline"
_GITHUB: Final = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "sts.amazonaws.com",
    "sub": "repo:octo-org@123456/octo-repo@789012:ref:refs/heads/main",
}
_GITLAB: Final = {
    "iss": "https://gitlab.com",
    "aud": "sts.amazonaws.com",
    "sub": "project_path:team-a/hello:ref_type:branch:ref:main",
}
_WORKFLOW: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "github-actions.yml").read_text("utf-8"))
_PIPELINE: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text("utf-8"))


def _policy(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_text("utf-8"))
    return document


def _steps(job: str) -> list[str]:
    return [step["run"] for step in _WORKFLOW["jobs"][job]["steps"] if "run" in step]


def _script(job: str) -> list[str]:
    return [*_PIPELINE["default"]["before_script"], *_PIPELINE[job]["script"]]


def _recipes() -> list[str]:
    lines = (FOLDER / "Makefile").read_text("utf-8").splitlines()
    return [line.removeprefix("\t@").replace("$(BLUE)", "blue") for line in lines if line.startswith("\t@$(BLUE)")]


def _is_taken(schema: str, file: Path) -> bool:
    """Whether the schema that the package carries takes a file."""
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    command = ["--builtin-schema", f"vendor.{schema}", *transform, str(file)]
    return CliRunner().invoke(check_jsonschema.main, command).exit_code == 0


@pytest.mark.parametrize(
    ("file", "schema", "keyword"),
    [("github-actions.yml", "github-workflows", "runs-on"), ("gitlab-ci.yml", "gitlab-ci", "id_tokens")],
)
def test_the_published_schema_takes_it(file: str, schema: str, keyword: str, tmp_path: Path) -> None:
    assert _is_taken(schema, FOLDER / file)
    misspelt = tmp_path / file
    misspelt.write_text((FOLDER / file).read_text("utf-8").replace(f"{keyword}:", f"{keyword}x:"), "utf-8")
    assert not _is_taken(schema, misspelt)


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.*)", (FOLDER / "github-actions.yml").read_text("utf-8"))
    assert len(used) == 5
    assert [use for use in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


def test_only_the_job_that_deploys_may_ask_for_a_token() -> None:
    may = {name for name, job in _WORKFLOW["jobs"].items() if job.get("permissions", {}).get("id-token") == "write"}
    assert may == {"deploy"}
    assert _WORKFLOW["permissions"] == {"contents": "read"}
    assert {name for name, job in _PIPELINE.items() if "id_tokens" in job} == {"deploy"}


@pytest.mark.parametrize(
    ("policy", "claims"),
    [("trust-github.json", _GITHUB), ("trust-gitlab.json", _GITLAB)],
)
def test_the_branch_is_trusted_as_its_token_says(policy: str, claims: dict[str, str]) -> None:
    assert trusts(_policy(policy), claims)


@pytest.mark.parametrize(
    ("policy", "claims"),
    [
        *(
            ("trust-github.json", _GITHUB | other)
            for other in (
                {"sub": "repo:octo-org@123456/octo-repo@789012:ref:refs/heads/other"},
                {"sub": "repo:octo-org@123456/octo-repo@789012:ref:refs/heads/main2"},
                {"sub": "repo:octo-org@123456/octo-repo@789012:ref:refs/tags/main"},
                {"sub": "repo:octo-org@123456/octo-repo@789012:pull_request"},
                {"sub": "repo:octo-org@123456/octo-repo@789012:environment:main"},
                {"sub": "repo:octo-org@123456/other@789013:ref:refs/heads/main"},
                {"sub": "repo:fork@654321/octo-repo@210987:ref:refs/heads/main"},
                # The same names, of whoever took them after they were given up.
                {"sub": "repo:octo-org@999999/octo-repo@999998:ref:refs/heads/main"},
                {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main"},
                {"aud": "https://github.com/octo-org"},
                {"iss": "https://token.actions.githubusercontent.com.example.com"},
            )
        ),
        *(
            ("trust-gitlab.json", _GITLAB | other)
            for other in (
                {"sub": "project_path:team-a/hello:ref_type:branch:ref:other"},
                {"sub": "project_path:team-a/hello:ref_type:tag:ref:main"},
                {"sub": "project_path:team-a/hello2:ref_type:branch:ref:main"},
                {"sub": "project_path:fork/hello:ref_type:branch:ref:main"},
                {"sub": "project_path:team-a/hello:ref_type:branch:ref:main:x"},
                {"aud": "https://gitlab.com"},
                {"iss": "https://gitlab.example.com"},
            )
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['aud']} {value['sub']}",
)
def test_nobody_else_is(policy: str, claims: dict[str, str]) -> None:
    assert not trusts(_policy(policy), claims)


@pytest.mark.parametrize("claim", ["aud", "sub"])
@pytest.mark.parametrize(("policy", "claims"), [("trust-github.json", _GITHUB), ("trust-gitlab.json", _GITLAB)])
def test_a_token_without_the_claim_is_not(policy: str, claims: dict[str, str], claim: str) -> None:
    assert not trusts(_policy(policy), {name: value for name, value in claims.items() if name != claim})


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        ("a1b2c3d4e5/$default/POST/api/v1/build-and-push", True),
        ("a1b2c3d4e5/$default/GET/api/v1/apps/default/hello", True),
        ("a1b2c3d4e5/$default/GET/ui", False),
        ("other/$default/GET/api/v1/apps", False),
    ],
)
def test_the_role_may_call_the_one_api(request_: str, allowed: bool) -> None:
    resource = f"arn:aws:execute-api:ap-northeast-2:{ACCOUNT}:{request_}"
    assert allows(_policy("permissions.json"), "execute-api:Invoke", resource) is allowed
    assert not allows(_policy("permissions.json"), "execute-api:ManageConnections", resource)


@pytest.mark.parametrize(
    "line",
    [
        *(line for job in _WORKFLOW["jobs"] for line in _steps(job) if line.startswith("blue ")),
        *(line for job in ("check", "deploy") for line in _script(job) if line.startswith("blue ")),
        *_recipes(),
    ],
)
def test_its_commands_and_options_exist(line: str) -> None:
    words = shlex.split(line.replace("$(APP)", "hello").replace("$(REVISION)", "3"))
    group: Any = typer.main.get_command(app)
    _, name, *arguments = words
    command = group.get_command(group.make_context("blue", [], resilient_parsing=True), name)
    assert command is not None
    command.make_context(name, arguments)  # UsageError where an option is not there


@pytest.fixture
def shell(service: Service, project: Path, blue: Blue) -> dict[str, str]:
    """A machine of a pipeline in a project's folder: its variables. `blue` is there without being installed."""
    (project / "app.py").write_text(SOURCE)
    (project / "blue.toml").write_text('app_name = "hello"\nsource = "app.py"\n')
    (project / "tools").mkdir()
    (project / "tools" / "blue_faas-0.1.0-py3-none-any.whl").touch()
    tools = project.parent / "bin"
    tools.mkdir()
    _tool(tools / "python", 'test "$*" = "-m pip install tools/blue_faas-0.1.0-py3-none-any.whl"')
    _tool(tools / "blue", f'exec {shlex.join(command_line.COMMAND)} "$@"')
    variables = command_line.environment(project.parent, BLUE_URL=service.url, TMPDIR=str(project.parent))
    return variables | {"PATH": f"{tools}:{os.environ['PATH']}"}


def _tool(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _run(lines: list[str], folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a job's commands as runners do: one shell, which ends at the first that fails."""
    script = "\n".join(["set -eo pipefail", *lines])
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def _signed_by_the_role(service: Service) -> bool:
    return all(
        f"Credential={ACCESS_KEY}/" in request.headers["authorization"]
        and request.headers["x-amz-security-token"] == "session"
        for request in service.requests
    )


def test_the_workflow_checks_and_deploys(service: Service, project: Path, shell: dict[str, str]) -> None:
    assert _run(_steps("check"), project, shell).returncode == 0
    assert service.requests == []
    builds(service, "team-a", deployment=deployed())
    service.cluster["GET", "/api/v1/apps/functions/hello"] = [state(namespace="functions")]
    values = {"BLUE_URL": service.url, "BLUE_WORKSPACE": "team-a", "BLUE_NAMESPACE": "functions"}
    given = {
        name: re.sub(r"\$\{\{ vars\.(\w+) \}\}", lambda match: values[match[1]], text)
        for name, text in _WORKFLOW["jobs"]["deploy"]["env"].items()
    }
    # What aws-actions/configure-aws-credentials leaves behind.
    session = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
    variables = shell | given | session | {"AWS_REGION": "ap-northeast-2", "BLUE_AUTHORIZER": "iam"}
    done = _run(_steps("deploy"), project, variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("http://hello.")
    assert _signed_by_the_role(service)


def test_the_pipeline_checks(service: Service, project: Path, shell: dict[str, str]) -> None:
    done = _run(_script("check"), project, shell)
    assert done.returncode == 0, done.stderr
    assert service.requests == []


@pytest.mark.parametrize("branch", ["main", "other"])
def test_the_pipeline_deploys_by_its_token(service: Service, project: Path, shell: dict[str, str], branch: str) -> None:
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state()]
    claims = _GITLAB | {"sub": f"project_path:team-a/hello:ref_type:branch:ref:{branch}"}
    assert _PIPELINE["deploy"]["id_tokens"]["BLUE_ID_TOKEN"]["aud"] == claims["aud"]
    with sts(_ROLE, _policy("trust-gitlab.json")) as url:
        given = {
            "AWS_ENDPOINT_URL_STS": url,
            "AWS_REGION": "ap-northeast-2",
            "AWS_ROLE_ARN": _ROLE,
            "AWS_ROLE_SESSION_NAME": "gitlab-7",
            "BLUE_AUTHORIZER": "iam",
            "BLUE_ID_TOKEN": token(claims),
        }
        done = _run(_script("deploy"), project, shell | given)
    assert token(claims) not in done.stderr + done.stdout
    if branch == "main":
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("http://hello.")
        assert _signed_by_the_role(service)
    else:
        assert done.returncode == 3
        assert "No AWS credentials" in done.stderr
        assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in done.stderr
        assert service.requests == []


def test_the_makefile_has_an_app_from_check_to_rollback(service: Service, project: Path, shell: dict[str, str]) -> None:
    (project / "Makefile").write_bytes((FOLDER / "Makefile").read_bytes())
    # What `make` would install first; newer than the wheel, so that it need not.
    installed = project / ".venv" / "bin"
    installed.mkdir(parents=True)
    (installed / "blue").symlink_to(project.parent / "bin" / "blue")
    builds(service, deployment=deployed())
    service.cluster["GET", "/api/v1/apps/default/hello"] = [state()]

    def make(*arguments: str) -> str:
        done = subprocess.run(["make", *arguments], cwd=project, env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    targets = re.search(r"^\.PHONY: (.*)", (FOLDER / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert targets is not None
    shown = make()
    assert [target for target in targets[1].split() if target != "help" and f"make {target} " not in shown] == []
    make("check")
    assert service.requests == []
    assert make("build").strip()
    assert make("deploy").startswith("http://hello.")
    assert "status     available" in make("status")
    assert make("-n", "logs").strip() == ".venv/bin/blue logs --follow hello"
    assert make("-n", "rollback", "REVISION=3").strip() == ".venv/bin/blue rollback hello 3"
    (installed / "blue").unlink()
    assert "-m venv .venv" in make("-n", "check")
