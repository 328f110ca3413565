"""Workers of one function share its code, and with it the bytecode that Python keeps beside it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.tests.aws.conftest import Cloud
from local.tests.aws.test_lambda_workers import Outputs, invoke, reserved


def code_folders(cloud: Cloud, outputs: Outputs) -> dict[Path, Path]:
    """Where each worker of Echo that there is has its code: the worker's folder, and where that leads."""
    found = (cloud.state_dir / "tmp").glob(f"ministack-lambda-{outputs['Echo']}-*/code")
    return {folder: folder.resolve() for folder in found}


@pytest.fixture
def shared(cloud: Cloud, outputs: Outputs) -> Path:
    """The one folder of several workers."""
    with reserved(cloud, outputs, 3), ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: invoke(cloud, outputs, "/rest"), range(3)))
    folders = code_folders(cloud, outputs)
    assert len(folders) > 1
    (folder,) = set(folders.values())
    return folder


def test_what_one_has_compiled_the_others_find(shared: Path) -> None:
    sources = {path.stem for path in shared.glob("*.py")}
    assert {path.name.split(".")[0] for path in shared.glob("__pycache__/*.pyc")} & sources


def test_one_that_ends_leaves_the_others_their_code(cloud: Cloud, outputs: Outputs, shared: Path) -> None:
    before = sorted(path.name for path in shared.glob("*.py"))
    assert invoke(cloud, outputs, "/exit")["error"]
    assert invoke(cloud, outputs)["error"] is None
    assert sorted(path.name for path in shared.glob("*.py")) == before
