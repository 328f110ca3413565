"""One running AWS process for all tests of this folder, with the probe stack deployed to it."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from local.aws.assembly import deploy_assembly
from local.aws.credentials import RunCredentials
from local.tests.aws.stack import STACK, write_assembly

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
        """A boto3 client of the operator."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return self.credentials.client(service, self.endpoint, "ap-northeast-2", config=config)

    @property
    def credentials(self) -> RunCredentials:
        """Of the operator."""
        return RunCredentials.at(self.state_dir / "credentials.json")


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
    return deploy_assembly(assembly, STACK, cloud.endpoint, cloud.credentials)


def make_role(cloud: Cloud, service: str, *actions: str) -> str:
    """A role that ``service`` may take on and that allows ``actions`` on everything; returns its ARN."""
    name = f"role-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    if actions:
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(allowed))
    return str(role["Arn"])


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def eventually(look: Callable[[], Any], seconds: float = 120) -> Any:
    """What ``look`` returns as soon as it is truthy."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s")
