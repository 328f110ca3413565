"""An in-memory AWS account for the tests of the build functions: made once, emptied before each test."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.client import BaseClient
from moto import mock_aws
from schemathesis.pytest import plugin

from functions import aws
from functions.contracts import settings
from functions.registry import ecr
from functions.tenancy.policies import Policies
from tests.support.aws_account import POLICY_TABLE, Account
from tests.support.worked_out_once import work_out_once


def pytest_configure(config: pytest.Config) -> None:
    """Load schemathesis's plugin, which makes the requests of test_described_requests.py.

    pyproject.toml keeps it from the folders that make none.
    """
    config.pluginmanager.register(plugin, "schemathesis of tests/unit")


@pytest.fixture(scope="session")
def _account_of_session() -> Iterator[Account]:
    work_out_once()
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
def account(_account_of_session: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account, empty, and the functions' environment pointing at it."""
    account = _account_of_session
    account.reset()
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    settings.reset()
    return account


@pytest.fixture
def policies(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Policies]:
    """The policy of an account with tenancy ``policy``."""
    monkeypatch.setenv("TENANCY", "policy")
    settings.reset()
    yield Policies(POLICY_TABLE)
    settings.reset()


def _forget() -> None:
    """Drop the settings and clients that the functions keep for the life of a process."""
    settings.reset()
    aws.clients.reset()
    ecr.client.cache_clear()


@pytest.fixture
def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads call AWS one after the other.

    DynamoDB does one write of an item after the other; moto looks at a write's condition and then writes. So they come
    in whatever order the threads bring them, and none in the middle of another.
    """
    lock = threading.RLock()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's own, not in its stubs

    def one_at_a_time(self: BaseClient, *arguments: Any) -> Any:
        with lock:
            return call(self, *arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", one_at_a_time)


@pytest.fixture
def at_once(one_call_at_a_time: None) -> Callable[[Callable[[], str], int], list[str]]:
    """Runs a function in several threads at the same time; answers what each returned."""

    def run(work: Callable[[], str], threads: int) -> list[str]:
        with ThreadPoolExecutor(threads) as pool:
            barrier = threading.Barrier(threads)

            def together() -> str:
                barrier.wait()
                return work()

            return [future.result() for future in [pool.submit(together) for _ in range(threads)]]

    return run
