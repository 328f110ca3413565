"""The account of `harness` for every test that asks for it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builder.aws import Aws
from builder.errors import BuildError
from builder.log import BuildLog
from builder.prepare import prepare
from builder.sandbox.run import Sandbox
from builder.settings import Limits
from builder.source.upload import unpack
from builder.toolchain import Toolchain
from builder.typecheck.type_check import check
from moto import mock_aws

from local.cloud import places
from tests.unit.builder.harness import FIRST_UID, TOOLCHAIN, Cloud, install_spin, make_account, open_folder, order

CheckUpload = Callable[..., str | None]


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


@pytest.fixture
def check_upload(mypy_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckUpload]:
    """Unpacks and type-checks an upload: None when it passes, else the text for the uploader."""
    with open_folder() as folder:
        install_spin(folder / "bin")
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")

        def checked(file_name: str, content: str | bytes, **limits: float) -> str | None:
            work = folder / "work"
            work.mkdir(mode=0o711)
            (work / "upload").write_bytes(content.encode() if isinstance(content, str) else content)
            (work / "app").mkdir()
            chosen = Limits.model_validate(limits)
            toolchain = Toolchain(TOOLCHAIN)
            environment = {"PATH": f"{TOOLCHAIN / 'bin'}:/usr/bin:/bin", "VIRTUAL_ENV": str(TOOLCHAIN)}
            task = order(f"build-sources/team-a/task/{file_name}")
            try:
                app = unpack(work / "upload", task, work / "app", chosen)
                with Sandbox.make(work / "check", environment, str(FIRST_UID), folder / "locks", chosen) as box:
                    check(app, box, toolchain, mypy_cache, BuildLog())
            except BuildError as error:
                return str(error)
            finally:
                shutil.rmtree(work)
            return None

        yield checked
