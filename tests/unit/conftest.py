"""An in-memory AWS account for the tests of the build functions: made once a module, emptied before each test."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from functions import ingest
from functions.tasks import credentials, outcome, submission
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore
from tests.unit.aws_account import Account

_KEPT_FOR_A_PROCESS = (
    Environment.read,
    TaskStore.named,
    credentials._kms,
    outcome._s3,
    submission._s3,
    submission._step_functions,
    ingest._s3,
)


@pytest.fixture(scope="module")
def _account_of_module() -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        _forget()
        yield Account()
    _forget()


@pytest.fixture
def account(_account_of_module: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account, empty, and the functions' environment pointing at it."""
    account = _account_of_module
    account.reset()
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    Environment.read.cache_clear()
    return account


def _forget() -> None:
    """Drop the settings and clients that the functions keep for the life of a process."""
    for cached in _KEPT_FOR_A_PROCESS:
        cached.cache_clear()
