"""What a build finds: variables, source, folders."""

import io
import uuid
import zipfile

import pytest

from local.tests.aws.builds import Json, finish, log, make_project, start, statuses
from local.tests.aws.conftest import Cloud


def test_environment(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name="/p", Value="from ssm", Type="SecureString", Overwrite=True)
    secret = cloud.client("secretsmanager").create_secret(Name=str(uuid.uuid4()), SecretString='{"k": "from secret"}')
    project = make_project(
        cloud,
        {"build": {"commands": ["export OUT='two\nlines'", "env"]}},
        env={
            "shell": "bash",
            "variables": {"LEVEL": "buildspec", "LOW": "buildspec"},
            "parameter-store": {"PARAMETER": "/p"},
            "secrets-manager": {"SECRET": f"{secret['ARN']}:k"},
            "exported-variables": ["OUT", "NOT_SET"],
        },
        variables=[
            {"name": "LEVEL", "value": "project"},
            {"name": "MID", "value": "project"},
            {"name": "TYPED", "value": "/p", "type": "PARAMETER_STORE"},
            {"name": "TYPED_SECRET", "value": f"{secret['Name']}:k", "type": "SECRETS_MANAGER"},
        ],
    )
    build = finish(cloud, start(cloud, project, environmentVariablesOverride=[{"name": "LEVEL", "value": "start"}]))
    assert build["buildStatus"] == "SUCCEEDED", log(cloud, build)
    seen = dict(line.split("=", 1) for line in log(cloud, build) if "=" in line and not line.startswith("["))
    expected = {
        "LEVEL": "start",
        "MID": "project",
        "LOW": "buildspec",
        "PARAMETER": "from ssm",
        "SECRET": "from secret",
        "TYPED": "from ssm",
        "TYPED_SECRET": "from secret",
        "FROM_THIS_MACHINE": "yes",
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": "ap-northeast-2",
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_IMAGE": "builder:1",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert "PYTHONPATH" not in seen
    assert build["exportedEnvironmentVariables"] == [
        {"name": "OUT", "value": "two\nlines"},
        {"name": "NOT_SET", "value": ""},
    ]


def test_commands_get_no_descriptor_of_the_runner(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["ls /proc/self/fd"]}})
    build = finish(cloud, start(cloud, project))
    # 3 is the folder that ls reads.
    assert [line for line in log(cloud, build) if line.isdigit()] == ["0", "1", "2", "3"]


def test_a_missing_parameter_fails_the_build(cloud: Cloud) -> None:
    project = make_project(
        cloud, {"build": {"commands": ["true"]}}, variables=[{"name": "A", "value": "/none", "type": "PARAMETER_STORE"}]
    )
    build = finish(cloud, start(cloud, project))
    assert statuses(build)["DOWNLOAD_SOURCE"] == "FAILED"
    assert build["buildStatus"] == "FAILED"
    assert any("Parameter Store: /none cannot be read" in line for line in log(cloud, build))


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_source_from_s3_with_its_own_buildspec(cloud: Cloud, kind: str) -> None:
    s3 = cloud.client("s3")
    bucket = f"source-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    files = {
        "ci/spec.yml": "version: 0.2\nphases:\n  build:\n    commands:\n      - cat data/한글.txt\n",
        "data/한글.txt": "content\n",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            s3.put_object(Bucket=bucket, Key=f"tree/{name}", Body=text.encode())
    s3.put_object(Bucket=bucket, Key="source.zip", Body=buffer.getvalue())
    location = f"{bucket}/source.zip" if kind == "zip" else f"{bucket}/tree/"
    project = make_project(cloud, {}, source={"type": "S3", "location": location, "buildspec": "ci/spec.yml"})
    build = finish(cloud, start(cloud, project))
    assert build["buildStatus"] == "SUCCEEDED", log(cloud, build)
    assert "content" in log(cloud, build)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"type": "S3", "location": "no-such-bucket/x.zip"}, "CLIENT_ERROR"),
        ({"type": "GITHUB", "location": "https://github.invalid/x"}, "CLIENT_ERROR"),
        ({"type": "NO_SOURCE", "buildspec": "../outside.yml"}, "YAML_FILE_ERROR"),
        ({"type": "NO_SOURCE", "buildspec": "version: 9\n"}, "YAML_FILE_ERROR"),
    ],
)
def test_a_source_that_cannot_be_had(cloud: Cloud, source: Json, code: str) -> None:
    build = finish(cloud, start(cloud, make_project(cloud, {}, source=source)))
    failed = [phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED"]
    assert [phase["phaseType"] for phase in failed] == ["DOWNLOAD_SOURCE"]
    assert failed[0]["contexts"][0]["statusCode"] == code
    assert build["buildStatus"] == "FAILED"


def test_unprivileged_users_can_work_in_the_build_folder(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["stat -c %a . .. ../tmp $CODEBUILD_SRC_DIR/../.."]}})
    lines = log(cloud, finish(cloud, start(cloud, project)))
    assert [line for line in lines if line.isdigit()] == ["755", "755", "1777", "755"]
