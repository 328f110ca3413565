"""What a build finds: variables, source, folders."""

import pytest

from local.tests.aws.builds import Json, finish, log, make_project, start
from local.tests.aws.conftest import Cloud


def test_environment(cloud: Cloud) -> None:
    project = make_project(
        cloud,
        {"build": {"commands": ["env"]}},
        env={"variables": {"LEVEL": "buildspec", "LOW": "buildspec"}},
        variables=[{"name": "LEVEL", "value": "project"}, {"name": "MID", "value": "project"}],
    )
    build = finish(cloud, start(cloud, project, environmentVariablesOverride=[{"name": "LEVEL", "value": "start"}]))
    assert build["buildStatus"] == "SUCCEEDED", log(cloud, build)
    seen = dict(line.split("=", 1) for line in log(cloud, build) if "=" in line and not line.startswith("["))
    expected = {
        "LEVEL": "start",
        "MID": "project",
        "LOW": "buildspec",
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


def test_commands_get_no_descriptor_of_the_runner(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["ls /proc/self/fd"]}})
    build = finish(cloud, start(cloud, project))
    # 3 is the folder that ls reads.
    assert [line for line in log(cloud, build) if line.isdigit()] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"source": {"type": "S3", "location": "bucket/x.zip"}}, "YAML_FILE_ERROR"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "buildspec.yml"}}, "YAML_FILE_ERROR"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "version: 9\n"}}, "YAML_FILE_ERROR"),
        ({"variables": [{"name": "A", "value": "/p", "type": "PARAMETER_STORE"}]}, "CLIENT_ERROR"),
    ],
)
def test_what_cannot_be_had_here_fails_the_build(cloud: Cloud, options: Json, code: str) -> None:
    build = finish(cloud, start(cloud, make_project(cloud, {"build": {"commands": ["true"]}}, **options)))
    failed = [phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED"]
    assert [phase["phaseType"] for phase in failed] == ["DOWNLOAD_SOURCE"]
    assert failed[0]["contexts"][0]["statusCode"] == code
    assert build["buildStatus"] == "FAILED"


def test_unprivileged_users_can_work_in_the_build_folder(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["stat -c %a . .. ../tmp $CODEBUILD_SRC_DIR/../.."]}})
    lines = log(cloud, finish(cloud, start(cloud, project)))
    assert [line for line in lines if line.isdigit()] == ["755", "755", "1777", "755"]
