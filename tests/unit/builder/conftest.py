"""The account of `harness` for every test that asks for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder.aws import Aws
from builder.prepare import prepare
from moto import mock_aws

from local import places
from tests.unit.builder.harness import TOOLCHAIN, Cloud, make_account, open_folder


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mypy's prepared cache, as the image has it: this machine's, if it has one."""
    prepared = places.shared_root() / places.MYPY_CACHE
    if prepared.is_dir():
        return prepared
    folder = tmp_path_factory.mktemp("mypy") / "cache"
    prepare(TOOLCHAIN, folder)
    return folder


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An account with a bucket and a task table. One for many tests: making clients takes longer than most of them."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield make_account()


@pytest.fixture
def cloud(aws: Aws, mypy_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The account with no task yet, and the recording `spin` first on PATH."""
    with open_folder() as folder:
        made = Cloud(aws, folder, mypy_cache)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        yield made
