"""docs/authorizers.md on clouds that ask who calls: its commands work, and nothing comes in that AWS would refuse."""

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from local.cloud import issuer
from local.cloud.supervisor import Cloud
from local.tests.front.callers import ROOT, TASKS, api_arn, keys, mint, operator, run, session, signed

OPEN = ("/", "/health", "/docs", "/openapi.json")


def status(request: httpx.Request) -> int:
    """Of the answer."""
    with httpx.Client(timeout=60) as client:
        answer = client.send(request)
    if answer.status_code == 403:
        assert answer.json() == {"message": "Forbidden"}
    return answer.status_code


def test_the_documented_commands_with_a_signature(iam: Cloud) -> None:
    for credentials in (operator(iam), session(iam, "team-a", api_arn(iam, "*"))):
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
    assert httpx.get(iam.url + path, follow_redirects=True).status_code == 200


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
    reader = session(iam, "reader", api_arn(iam, "$default/GET/api/v1/workspaces/*"))
    assert status(signed(iam, reader, "GET", TASKS)) == 200
    assert status(signed(iam, reader, "POST", "/api/v1/uploads", b"{}")) == 403
    without_token = Credentials(reader.access_key, reader.secret_key)
    assert status(signed(iam, without_token, "GET", TASKS)) == 403
    other_token = Credentials(reader.access_key, reader.secret_key, "made-up")
    assert status(signed(iam, other_token, "GET", TASKS)) == 403


def test_the_api_is_reached_through_the_front_only(iam: Cloud) -> None:
    url = f"{iam.aws_endpoint}/_aws/execute-api/{iam.outputs['ApiId']}/$default{TASKS}"
    assert httpx.get(url).status_code == 403


def with_token(cloud: Cloud, token: str, path: str = TASKS) -> int:
    """Return the status of a call."""
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
