"""Clients that others generate of docs/openapi.json: they build a source, wait, deploy it, and the function answers.

`make tests/e2e` installs the generators, which are no packages of this repository's own environment.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from infra.tools.openapi import DESCRIPTION
from tests.support.client import EXAMPLES, ROOT, Client

CLIENTS: Final = ROOT / "tests" / "clients"
ENVIRONMENT: Final = ROOT / "build" / "clients"
"""What the Makefile installs: Python packages in ``python``, npm's in ``node_modules``."""


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints, in a folder."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def _generators() -> None:
    assert (ENVIRONMENT / "made").exists(), "the generators are not installed: make build/clients/made"


def answers(cloud: Client, printed: str, app: str) -> None:
    assert printed == f"{app}.default.svc.cluster.local\n"
    assert cloud.call(app).text == "Hello from Blue FaaS!"


def test_python(cloud: Client, tmp_path: Path) -> None:
    tools = ENVIRONMENT / "python" / "bin"
    configuration = ("--meta", "none", "--config", CLIENTS / "generator.yml", "--output-path", "blue_faas_client")
    said = run(tmp_path, tools / "openapi-python-client", "generate", "--path", DESCRIPTION, *configuration)
    assert "WARNING" not in said.upper()
    assert "ERROR" not in said.upper()
    shutil.copy(CLIENTS / "build_and_deploy.py", tmp_path)
    source = EXAMPLES / "hello" / "app.py"
    printed = run(tmp_path, tools / "python", "build_and_deploy.py", cloud.url, source, "generated-python")
    answers(cloud, printed, "generated-python")


def test_typescript(cloud: Client, tmp_path: Path) -> None:
    for name in ("package.json", "tsconfig.json", "build_and_deploy.ts"):
        shutil.copy(CLIENTS / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
    run(tmp_path, "node_modules/.bin/openapi-typescript", DESCRIPTION, "-o", "api.ts")
    run(tmp_path, "node_modules/.bin/tsc", "-p", ".")
    source = EXAMPLES / "hello" / "app.py"
    printed = run(tmp_path, "node", "built/build_and_deploy.js", cloud.url, source, "generated-typescript")
    answers(cloud, printed, "generated-typescript")
