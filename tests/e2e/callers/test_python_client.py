"""The documented Python client, given a file that no module could be named after."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import components
from tests.support.client import ROOT, Client


def test_it_builds_and_deploys(cloud: Client, tmp_path: Path) -> None:
    source = tmp_path / "111-한글.zip"
    source.write_bytes(components.silent())
    done = subprocess.run(
        [sys.executable, "examples/client/deploy_or_update.py", str(source)],
        cwd=ROOT,
        env={**os.environ, "BASE_URL": cloud.url, "REGISTRY": cloud.repository, "ECR_PASSWORD": cloud.ecr_password()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Deployed/Updated: my-function\nEndpoint: my-function.default.svc.cluster.local\n"
    # A function that does not answer is an empty 500; refusals of what stands before it say why.
    cloud.call_until("my-function", lambda text: text == "")
