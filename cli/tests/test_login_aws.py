"""`blue login` with an AWS profile, as a user runs it: with keys, and with a profile that signs in by SSO."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cli.tests import doors
from cli.tests.service import Service
from tests.support.background import serve
from tests.support.command_line import environment, run

ARN = "arn:aws:sts::123456789012:assumed-role/developer/dana"
CONFIG = f"""[profile team]
region = {doors.REGION}
sso_session = company
sso_account_id = 123456789012
sso_role_name = developer

[sso-session company]
sso_region = {doors.REGION}
sso_start_url = https://company.awsapps.example/start
sso_registration_scopes = sso:account:access
"""
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>{ARN}</Arn><UserId>AROA:dana</UserId><Account>123456789012</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""
AWS = """#!/usr/bin/env python3
# The AWS CLI's part: `aws sso login` writes the token where botocore finds it.
import hashlib, json, pathlib, sys
assert sys.argv[1:] == ["sso", "login", "--profile=team"], sys.argv
print("Attempting to automatically open the SSO authorization page")
folder = pathlib.Path.home() / ".aws" / "sso" / "cache"
folder.mkdir(parents=True)
token = {"startUrl": "https://company.awsapps.example/start", "accessToken": "of-dana"}
token["expiresAt"] = "2999-01-01T00:00:00Z"
(folder / f"{hashlib.sha1(b'company').hexdigest()}.json").write_text(json.dumps(token))
"""


@pytest.fixture
def aws() -> Iterator[str]:
    """AWS: it gives credentials for the SSO token, and says whose they are."""

    async def credentials(request: Request) -> Response:
        if request.headers.get("x-amz-sso_bearer_token") != "of-dana":
            return JSONResponse({"message": "Session token not found or invalid"}, 401)
        given = {"accessKeyId": doors.ACCESS_KEY, "secretAccessKey": doors.SECRET_KEY}
        far = {"sessionToken": doors.SESSION_TOKEN, "expiration": 32_503_680_000_000}
        return JSONResponse({"roleCredentials": {**given, **far}})

    async def identity(request: Request) -> Response:
        if doors.ACCESS_KEY not in request.headers.get("authorization", ""):
            return Response(status_code=403)
        return Response(IDENTITY, media_type="text/xml")

    app = Starlette(
        routes=[Route("/federation/credentials", credentials), Route("/", identity, methods=["POST"])],
    )
    with serve(app) as url:
        yield url


@pytest.fixture
def variables(service: Service, aws: str, tmp_path: Path) -> dict[str, str]:
    """A user with the profile, who is not signed in."""
    service.door = doors.signatures
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    return environment(tmp_path, AWS_ENDPOINT_URL=aws, AWS_EC2_METADATA_DISABLED="true")


def login(service: Service, folder: Path, variables: dict[str, str], *options: str) -> tuple[int, str, str]:
    """Sign in for the service."""
    done = run(folder, variables, "login", "--url", service.url, "--authorizer", "iam", "-o", "json", *options)
    return done.returncode, done.stdout, done.stderr


def test_keys_that_work_are_remembered_by_their_profile_alone(
    service: Service, tmp_path: Path, variables: dict[str, str]
) -> None:
    variables = {**variables, **doors.KEYS}
    code, out, err = login(service, tmp_path, variables)
    assert code == 0, err
    assert f"Signed in as {ARN}" in err
    written = next((tmp_path / ".config").rglob("config.toml")).read_text()
    assert doors.SECRET_KEY not in written + out + err
    assert run(tmp_path, variables, "tasks").returncode == 0
    assert ARN in run(tmp_path, variables, "doctor").stdout
    signed_out = run(tmp_path, variables, "logout")
    assert (signed_out.returncode, "No tokens are kept" in signed_out.stderr) == (0, True)


def test_a_profile_that_needs_it_is_signed_in_by_the_aws_cli(
    service: Service, tmp_path: Path, variables: dict[str, str]
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "aws"
    program.write_text(AWS)
    program.chmod(stat.S_IRWXU)
    code, out, err = login(
        service, tmp_path, {**variables, "PATH": f"{program.parent}:{variables['PATH']}"}, "--profile", "team"
    )
    assert code == 0, err
    assert "Running aws sso login --profile=team" in err
    assert f"Signed in as {ARN}" in err
    assert json.loads(out)["profile"] == "team", "what the AWS CLI prints is no result"
    assert run(tmp_path, variables, "tasks").returncode == 0


def test_without_the_aws_cli_it_is_said_what_signs_in(
    service: Service, tmp_path: Path, variables: dict[str, str]
) -> None:
    code, _, err = login(service, tmp_path, {**variables, "PATH": "/none"}, "--profile", "team")
    assert (code, "`aws sso login --profile=team` signs in" in err) == (3, True), err
    assert not (tmp_path / ".config").exists()


@pytest.mark.parametrize("profile", ["unknown", "--help"])
def test_a_profile_that_is_not_there(service: Service, tmp_path: Path, variables: dict[str, str], profile: str) -> None:
    code, _, err = login(service, tmp_path, variables, f"--profile={profile}")
    assert (code, "No AWS credentials" in err) == (3, True), err
