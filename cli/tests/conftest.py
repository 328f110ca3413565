"""The service that the commands call, and a way to run them."""

import datetime
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws_lambda_powertools.metrics import base
from aws_lambda_powertools.metrics.provider.cloudwatch_emf import cloudwatch
from blue_faas_cli.build_log import FOLLOWER
from blue_faas_cli.main import app
from typer.testing import CliRunner

from cli.tests.service import Service
from tests.conftest import pytest_collection_finish  # noqa: F401  # pytest calls it
from tests.support.aws_account import Account
from tests.support.background import serve
from tests.unit.conftest import _account_of_session, account  # noqa: F401  # fixtures


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


Blue = Callable[..., Ran]


@pytest.fixture(scope="session")
def _serving(_account_of_session: Account) -> Iterator[Service]:  # noqa: F811  # the fixture
    service = Service(_account_of_session)
    with serve(service.app()) as url:
        service.url = url
        yield service


@pytest.fixture
def service(_serving: Service, account: Account) -> Service:  # noqa: F811  # the fixture
    """The service, with an empty account."""
    fresh = Service(account, _serving.url)
    _serving.__dict__.update(fresh.__dict__)
    return _serving


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in, of a user without any settings."""
    for name in list(os.environ):
        if name.startswith("BLUE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BLUE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "hello"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def blue(service: Service, project: Path, monkeypatch: pytest.MonkeyPatch) -> Blue:
    """Runs a command in the project's folder, against the service."""
    monkeypatch.setenv("BLUE_URL", service.url)
    # The handlers print their metrics to stdout, which is the commands' own here.
    for module in (base, cloudwatch):
        monkeypatch.setattr(module, "print", lambda *_, **__: None, raising=False)
    monkeypatch.setattr("blue_faas_cli.follow._PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("functions.tasks.build_log._LOG_DELAY", datetime.timedelta())
    runner = CliRunner()

    def run(*arguments: str, input: str | None = None) -> Ran:  # noqa: A002  # the runner's word
        done = runner.invoke(app, arguments, input=input)
        # A process would end here, and its threads with it: what they still ask would be counted as the next command's.
        for thread in threading.enumerate():
            if thread.name == FOLLOWER:
                thread.join()
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    return run
