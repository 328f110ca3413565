"""``python -m infra.preflight`` against a cloud that answers, instead of recorded answers."""

import os
import re
import subprocess
import sys

from local.cloud.assembly import CLUSTER_NAME
from tests.support.client import ROOT, Client


def credentials(cloud: Client) -> dict[str, str]:
    """The environment of an operator's shell: those credentials that the test's own AWS clients have."""
    signer = cloud.aws("sts")._request_signer
    found = signer._credentials.get_frozen_credentials()
    environment = {
        "AWS_ENDPOINT_URL": cloud.cloud.aws_endpoint,
        "AWS_REGION": cloud.cloud.region,
        "AWS_ACCESS_KEY_ID": found.access_key,
        "AWS_SECRET_ACCESS_KEY": found.secret_key,
    }
    return environment | ({"AWS_SESSION_TOKEN": found.token} if found.token else {})


def test_every_check_gets_an_answer_or_says_that_it_got_none(cloud: Client) -> None:
    command = [sys.executable, "-m", "infra.preflight", "-c", f"blue-faas.kubernetes.cluster_name={CLUSTER_NAME}"]
    command += ["-c", "blue-faas.administrators=arn:aws:iam::123456789012:user/operator"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **credentials(cloud), "CDK_DOCKER": "there-is-no-such-command"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    lines = re.findall(r"^(ok|problem|could not be asked): ([^:]+(?:::[^:]+)*):", done.stdout, re.MULTILINE)
    said = {subject: state for state, subject in lines}
    assert done.returncode == 1, "there is no docker here"
    problems = {subject for subject, state in said.items() if state == "problem"}
    # The CDK's command is not installed for tests, and the cloud is not bootstrapped.
    expected = {"there-is-no-such-command", "CDK", "CloudFormation's permissions"}
    assert problems - expected == set(), done.stdout
    assert "there-is-no-such-command" in problems
    for subject in (
        "credentials",
        "CDK bootstrap",
        "stack BlueFaas",
        f"EKS cluster {CLUSTER_NAME}",
        "access entries",
        "administrators",
        "Lambda quota",
    ):
        assert said[subject] == "ok", done.stdout
    assert {"CodeBuild quota", "SpinKube"} <= said.keys()
