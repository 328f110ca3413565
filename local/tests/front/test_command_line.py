"""`blue` on clouds that ask who calls."""

import json
import re
from pathlib import Path

import httpx
import pytest

from local.cloud.issuer import CLI_CLIENT, DEVICE_PATH
from local.cloud.supervisor import Cloud
from local.tests.front.callers import WORKSPACE, keys, mint, operator
from tests.support import command_line
from tests.support.client import EXAMPLES, PATIENCE

HELLO = str(EXAMPLES / "hello" / "app.py")


def submits_and_cancels(folder: Path, variables: dict[str, str]) -> None:
    """A form, a query and a DELETE: each has to be signed in its own way."""
    sent = command_line.run(folder, variables, "deploy", HELLO, "--build-only", "--no-wait", "--app", "한글-없이")
    assert sent.returncode == 3, "a name that no app may have"
    sent = command_line.run(folder, variables, "deploy", HELLO, "--build-only", "--no-wait")
    assert sent.returncode == 0, sent.stderr
    listed = command_line.run(folder, variables, "tasks", "-o", "json", "--limit", "1")
    assert [task["task_id"] for task in json.loads(listed.stdout)["tasks"]] == [sent.stdout.strip()]
    cancelled = command_line.run(folder, variables, "cancel", sent.stdout.strip())
    assert cancelled.returncode == 0, cancelled.stderr


def test_with_a_signature(iam: Cloud, tmp_path: Path) -> None:
    variables = command_line.environment(
        tmp_path,
        BLUE_URL=iam.url,
        BLUE_AUTHORIZER="iam",
        BLUE_WORKSPACE=WORKSPACE,
        AWS_REGION=iam.region,
        AWS_ENDPOINT_URL=iam.aws_endpoint,
        **keys(operator(iam)),
    )
    submits_and_cancels(tmp_path, variables)
    examined = command_line.run(tmp_path, variables, "doctor")
    assert examined.returncode == 3, "no namespace is open to this workspace"
    *others, apps = examined.stdout.splitlines()
    assert all(line.startswith("ok ") for line in others), examined.stdout
    assert "user/operator" in examined.stdout
    assert apps.startswith("NOT  apps")


def test_with_a_token(jwt: Cloud, tmp_path: Path) -> None:
    variables = command_line.environment(
        tmp_path, BLUE_URL=jwt.url, BLUE_WORKSPACE=WORKSPACE, BLUE_TOKEN=mint(jwt, WORKSPACE)
    )
    submits_and_cancels(tmp_path, variables)


def test_a_user_signs_in_with_a_code_from_the_screen(jwt: Cloud, tmp_path: Path) -> None:
    variables = command_line.environment(tmp_path)
    options = ["--url", jwt.url, "--issuer", jwt.url + DEVICE_PATH, "--client-id", CLI_CLIENT, "-w", WORKSPACE]
    terminal = command_line.Terminal(tmp_path, variables, "login", *options)
    terminal.until(" is confirmed")  # which comes after the line with both
    ((page, code),) = re.findall(r"Open (\S+) and enter the code ([A-Z]{4}-[A-Z]{4})", terminal.text)
    form = httpx.get(page, timeout=PATIENCE).raise_for_status()
    assert 'name="user_code"' in form.text
    said = {"user_code": code, "subject": "dana", "workspaces": WORKSPACE, "answer": "allow"}
    httpx.post(page, data=said, timeout=PATIENCE).raise_for_status()
    assert terminal.end() == 0, terminal.text
    assert f"default is the current context: {jwt.url}, workspace {WORKSPACE}" in terminal.text
    submits_and_cancels(tmp_path, variables)
    assert "token of dana" in command_line.run(tmp_path, variables, "doctor").stdout
    assert command_line.run(tmp_path, variables, "logout").returncode == 0
    assert command_line.run(tmp_path, variables, "tasks").returncode == 3


@pytest.mark.parametrize("settings", [{}, {"BLUE_AUTHORIZER": "iam"}, {"BLUE_TOKEN": "made-up"}], ids=str)
def test_without_what_the_api_asks_for(iam: Cloud, tmp_path: Path, settings: dict[str, str]) -> None:
    variables = command_line.environment(tmp_path, BLUE_URL=iam.url, AWS_REGION=iam.region, **settings)
    variables["AWS_EC2_METADATA_DISABLED"] = "true"
    done = command_line.run(tmp_path, variables, "tasks")
    assert done.returncode == 3
    assert done.stdout == ""
