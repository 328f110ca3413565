"""docs/authorizers.md on clouds that ask who calls: its commands work, and nothing comes in that AWS would refuse."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cloud import issuer
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud

ROOT = Path(__file__).resolve().parents[3]
_PAGE = (ROOT / "docs" / "authorizers.md").read_text()
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TASKS = "/api/v1/workspaces/my-workspace/tasks"
OPEN = ("/health", "/docs", "/openapi.json")


@pytest.fixture(scope="module")
def iam() -> Iterator[Cloud]:
    with Cloud(CloudOptions(port=0, cluster=False, authorizer="iam")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def jwt() -> Iterator[Cloud]:
    with Cloud(CloudOptions(port=0, cluster=False, authorizer="jwt")) as cloud:
        yield cloud


def commands(section: str) -> list[str]:
    """The page's first commands, and those of one section."""
    top, *sections = re.split(r"^## ", _PAGE, flags=re.MULTILINE)
    (body,) = (each for each in sections if each.startswith(section))
    return [*_SHELL.findall(top), *_SHELL.findall(body)]


def run(cloud: Cloud, section: str, **variables: str) -> list[Any]:
    """Run a section's commands; returns the JSON objects that they print."""
    script = "\necho\n".join(["set -euo pipefail", *commands(section)]).replace("http://127.0.0.1:8000", cloud.url)
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
    """Variables of the AWS SDKs."""
    named = {"AWS_ACCESS_KEY_ID": credentials.access_key, "AWS_SECRET_ACCESS_KEY": credentials.secret_key}
    return {**named, **({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {})}


def operator(cloud: Cloud) -> Credentials:
    """The run's own key."""
    return Credentials(cloud.credentials.access_key_id, cloud.credentials.secret_access_key)


def session(cloud: Cloud, *resources: str) -> Credentials:
    """Temporary credentials that may invoke these resources of the API."""
    client = cloud.credentials.client
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{cloud.account}:root"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": list(resources)}
    name = f"caller-{time.monotonic_ns()}"
    iam = client("iam", cloud.aws_endpoint, cloud.region)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    document = json.dumps({"Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    given = client("sts", cloud.aws_endpoint, cloud.region).assume_role(RoleArn=arn, RoleSessionName="caller")
    made = given["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def api_arn(cloud: Cloud, rest: str) -> str:
    """ARN of a part of the API."""
    return f"arn:aws:execute-api:{cloud.region}:{cloud.account}:{cloud.outputs['ApiId']}/{rest}"


def signed(cloud: Cloud, credentials: Credentials, method: str, path: str, body: bytes = b"") -> httpx.Request:
    """A request as botocore signs it."""
    request = AWSRequest(method, cloud.url + path, data=body)
    SigV4Auth(credentials, "execute-api", cloud.region).add_auth(request)
    return httpx.Request(method, cloud.url + path, headers=dict(request.headers), content=body)


def status(request: httpx.Request) -> int:
    """Of the answer."""
    with httpx.Client(timeout=60) as client:
        answer = client.send(request)
    if answer.status_code == 403:
        assert answer.json() == {"message": "Forbidden"}
    return answer.status_code


def test_the_documented_commands_with_a_signature(iam: Cloud) -> None:
    for credentials in (operator(iam), session(iam, api_arn(iam, "*"))):
        tasks, announced, built, listed = run(iam, "With a signature", **keys(credentials))
        assert tasks["next"] is None
        assert announced["task_id"]
        assert built["status"] == "pending"
        assert built["task_id"] in [task["task_id"] for task in listed["tasks"]]


def test_what_curl_cannot_do_is_refused(iam: Cloud) -> None:
    user = f"{iam.credentials.access_key_id}:{iam.credentials.secret_access_key}"
    signing = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--user", user]
    signing += ["--aws-sigv4", f"aws:amz:{iam.region}:execute-api"]
    form = ["-F", "file=@examples/hello/app.py", "-F", "workspace_id=w", f"{iam.url}/api/v1/build-and-push"]
    assert subprocess.run([*signing, *form], cwd=ROOT, capture_output=True, text=True).stdout == "403"


@pytest.mark.parametrize("path", OPEN)
def test_open_paths_stay_open(iam: Cloud, path: str) -> None:
    assert httpx.get(iam.url + path).status_code == 200


def test_unsigned_and_falsely_signed_requests_are_refused(iam: Cloud) -> None:
    own = operator(iam)
    assert status(httpx.Request("GET", iam.url + TASKS)) == 403
    assert status(signed(iam, own, "GET", TASKS)) == 200
    assert status(signed(iam, Credentials(own.access_key, "wrong"), "GET", TASKS)) == 403
    assert status(signed(iam, Credentials("test", "test"), "GET", TASKS)) == 403
    assert status(signed(iam, Credentials(iam.account, "test"), "GET", TASKS)) == 403
    good = signed(iam, own, "POST", "/api/v1/uploads", b"{}")
    assert status(good) == 422
    headers = {name: value for name, value in good.headers.items() if name != "content-length"}
    late = {**headers, "x-amz-date": "20200101T000000Z"}
    for other in (
        httpx.Request("POST", good.url, headers=headers, content=b"[]"),
        httpx.Request("GET", good.url, headers=headers),
        httpx.Request("POST", str(good.url) + "?a=b", headers=headers, content=b"{}"),
        httpx.Request("POST", good.url, headers=late, content=b"{}"),
        httpx.Request("POST", good.url, headers={**headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, content=b"{}"),
    ):
        assert status(other) == 403


def test_a_caller_may_invoke_what_its_policies_say(iam: Cloud) -> None:
    reader = session(iam, api_arn(iam, "$default/GET/api/v1/workspaces/*"))
    assert status(signed(iam, reader, "GET", TASKS)) == 200
    assert status(signed(iam, reader, "POST", "/api/v1/uploads", b"{}")) == 403
    without_token = Credentials(reader.access_key, reader.secret_key)
    assert status(signed(iam, without_token, "GET", TASKS)) == 403
    other_token = Credentials(reader.access_key, reader.secret_key, "made-up")
    assert status(signed(iam, other_token, "GET", TASKS)) == 403


def test_the_api_is_reached_through_the_front_only(iam: Cloud) -> None:
    url = f"{iam.aws_endpoint}/_aws/execute-api/{iam.outputs['ApiId']}/$default{TASKS}"
    assert httpx.get(url).status_code == 403


def mint(cloud: Cloud, *workspaces: str, **claims: Any) -> str:
    """A token of the run's issuer."""
    assert cloud.issuer_key is not None
    return issuer.mint(cloud.issuer_key, workspaces, **claims)


def with_token(cloud: Cloud, token: str, path: str = TASKS) -> int:
    """Status of a call."""
    return httpx.get(cloud.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def test_the_documented_command_with_a_token(jwt: Cloud) -> None:
    command = [sys.executable, "-m", "local.cloud.issuer", "--key", str(jwt.issuer_key), "--workspace", "my-workspace"]
    token = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    (tasks,) = run(jwt, "With a token", TOKEN=token)
    assert tasks["next"] is None


def test_the_claim_reaches_the_functions(jwt: Cloud) -> None:
    assert with_token(jwt, mint(jwt, "my-workspace", "other")) == 200
    assert with_token(jwt, mint(jwt, "other")) == 404
    assert with_token(jwt, mint(jwt)) == 404


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, 200),
        ({"aud": ["other", issuer.AUDIENCE]}, 200),
        ({"aud": None, "client_id": issuer.AUDIENCE}, 401),
        ({"aud": "other"}, 401),
        ({"iss": "https://other.example"}, 401),
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"nbf": 99_999_999_999}, 401),
    ],
)
def test_claims_that_are_checked(jwt: Cloud, claims: dict[str, Any], expected: int) -> None:
    assert with_token(jwt, mint(jwt, "my-workspace", **claims)) == expected


def test_tokens_that_are_none_are_refused(jwt: Cloud, tmp_path: Path) -> None:
    good = mint(jwt, "my-workspace")
    header, payload, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    issuer.make_key(tmp_path / "other.json")
    for token in (
        *("x", "a.b.c", f"{header}.{payload}.", f"{none}.{payload}.", f"{header}.{payload}.{signature[::-1]}"),
        issuer.mint(tmp_path / "other.json", ["my-workspace"]),
    ):
        assert with_token(jwt, token) == 401
    answer = httpx.get(jwt.url + TASKS)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert httpx.get(jwt.url + "/health").status_code == 200


def test_nothing_of_the_key_is_published_but_its_public_half(jwt: Cloud) -> None:
    document = httpx.get(f"{jwt.url}{issuer.PATH}/.well-known/openid-configuration").json()
    assert document["issuer"] == issuer.ISSUER
    (key,) = httpx.get(f"{jwt.url}{issuer.PATH}/keys").json()["keys"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()


@pytest.mark.parametrize(
    "path",
    [
        *("/../../../../", "/../../../_ministack/health", "/api/v1/../../../../x", "/%2e%2e/%2E%2e/x", "/.%2e/x"),
        *("/..%2f..%2f..%2f", "/%252e%252e/%252e%252e/", "/api/./v1", "/..\\..\\x", "/api/v1/.."),
    ],
)
def test_no_path_leads_out_of_the_api(jwt: Cloud, path: str) -> None:
    host, _, port = jwt.url.removeprefix("http://").partition(":")
    done = subprocess.run(
        ["curl", "-s", "--path-as-is", "-w", "\n%{http_code}", f"http://{host}:{port}{path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ['{"message":"Not Found"}', "404"]
