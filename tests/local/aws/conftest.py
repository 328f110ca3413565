"""One running AWS process for all tests of this folder, with the probe stack deployed to it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.aws.assembly import deploy_assembly
from tests.local.aws.stack import STACK, write_assembly

ROOT = Path(__file__).parents[3]


@dataclass
class Cloud:
    """The running process, as a client sees it."""

    endpoint: str
    state_dir: Path
    kubernetes_file: Path
    codebuild_env: Path
    process: subprocess.Popen[str]

    def client(self, service: str) -> Any:
        """A boto3 client with keys as anybody might have them."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=self.endpoint,
            region_name="ap-northeast-2",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )


def start(folder: Path, *options: str) -> Cloud:
    """Start ``python -m local.aws`` and wait for its line on standard output."""
    folder.mkdir(exist_ok=True)
    kubernetes_file, codebuild_env = folder / "kubernetes.json", folder / "codebuild-env.json"
    codebuild_env.write_text(json.dumps({"FROM_THIS_MACHINE": "yes"}))
    arguments = ["--port", "0", "--state-dir", str(folder / "state"), "--codebuild-path", "/usr/bin:/bin"]
    arguments += ["--kubernetes-file", str(kubernetes_file), "--codebuild-env", str(codebuild_env), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "local.aws", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("AWS APIs: "), line
    return Cloud(line.split()[-1], folder / "state", kubernetes_file, codebuild_env, process)


def stop(cloud: Cloud) -> None:
    """Stop it as the supervisor does."""
    cloud.process.terminate()
    assert cloud.process.wait(20) == 0
    assert cloud.process.stdout is not None
    cloud.process.stdout.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running AWS process."""
    running = start(tmp_path_factory.mktemp("aws"))
    yield running
    stop(running)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe stack's cloud assembly."""
    return write_assembly(tmp_path_factory.mktemp("assembly") / "cdk.out")


@pytest.fixture(scope="session")
def outputs(cloud: Cloud, assembly: Path) -> dict[str, str]:
    """Outputs of the deployed probe stack."""
    return deploy_assembly(assembly, STACK, cloud.endpoint)


def eventually(look: Callable[[], Any], seconds: float = 120) -> Any:
    """What ``look`` returns as soon as it is truthy."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s")
