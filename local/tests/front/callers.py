"""Clouds that ask who calls, and callers: signatures, tokens, and the commands of the pages about them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cloud import issuer
from local.cloud.supervisor import Cloud

ROOT = Path(__file__).resolve().parents[3]
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORKSPACE = "my-workspace"
TASKS = f"/api/v1/workspaces/{WORKSPACE}/tasks"


def commands(page: str, section: str) -> list[str]:
    """Return the first commands of docs/authorizers.md, and those of one section of a page."""
    first, *_ = _SHELL.findall((ROOT / "docs" / "authorizers.md").read_text())
    sections = re.split(r"^###? ", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
    (body,) = (each for each in sections if each.startswith(section))
    return [first, *_SHELL.findall(body)]


def run(
    cloud: Cloud, section: str, page: str = "authorizers.md", workspace: str = WORKSPACE, **variables: str
) -> list[Any]:
    """Run a section's commands for a workspace; return the JSON objects that they print."""
    script = "\necho\n".join(["set -euo pipefail", *commands(page, section)])
    script = script.replace("http://127.0.0.1:8000", cloud.url).replace(WORKSPACE, workspace)
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script.replace("python3 ", f"{sys.executable} ")],
        cwd=ROOT,
        env={**kept, "PATH": path, "AWS_REGION": cloud.region, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.replace("}{", "}\n{").splitlines() if line.startswith("{")]


def keys(credentials: Credentials) -> dict[str, str]:
    """Return the variables of the AWS SDKs."""
    named = {"AWS_ACCESS_KEY_ID": credentials.access_key, "AWS_SECRET_ACCESS_KEY": credentials.secret_key}
    return {**named, **({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {})}


def operator(cloud: Cloud) -> Credentials:
    """Return the run's own key, which administers workspaces."""
    return Credentials(cloud.credentials.access_key_id, cloud.credentials.secret_access_key)


def role_arn(cloud: Cloud, role: str) -> str:
    """Return the ARN of a role without a path."""
    return f"arn:aws:iam::{cloud.account}:role/{role}"


def session(cloud: Cloud, role: str, *resources: str) -> Credentials:
    """Make a role that may invoke these resources of the API; return temporary credentials of it."""
    client = cloud.credentials.client
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{cloud.account}:root"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": list(resources)}
    iam = client("iam", cloud.aws_endpoint, cloud.region)
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    document = json.dumps({"Statement": [allowed]})
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)
    given = client("sts", cloud.aws_endpoint, cloud.region).assume_role(RoleArn=arn, RoleSessionName="caller")
    made = given["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def api_arn(cloud: Cloud, rest: str) -> str:
    """Return the ARN of a part of the API."""
    return f"arn:aws:execute-api:{cloud.region}:{cloud.account}:{cloud.outputs['ApiId']}/{rest}"


def signed(cloud: Cloud, credentials: Credentials, method: str, path: str, body: bytes = b"") -> httpx.Request:
    """Return a request as botocore signs it."""
    request = AWSRequest(method, cloud.url + path, data=body)
    SigV4Auth(credentials, "execute-api", cloud.region).add_auth(request)
    return httpx.Request(method, cloud.url + path, headers=dict(request.headers), content=body)


def mint(cloud: Cloud, *workspaces: str, **claims: Any) -> str:
    """Return a token of the run's issuer."""
    assert cloud.issuer_key is not None
    return issuer.mint(cloud.issuer_key, workspaces, **claims)
