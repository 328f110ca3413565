"""The phases of a build, its log and its record."""

import time

import pytest

from local.tests.aws.builds import Json, finish, log, make_project, start, statuses
from local.tests.aws.conftest import Cloud


def test_phases_in_order_with_state_kept_between_commands(cloud: Cloud) -> None:
    project = make_project(
        cloud,
        {
            "install": {"commands": ["WORD=kept", "mkdir sub && cd sub"]},
            "pre_build": {"commands": ['echo "$WORD in $(basename "$PWD")"']},
            "build": {
                "commands": ["printf 'no newline'", "echo err >&2\necho second line"],
            },
            "post_build": {"commands": ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]},
        },
    )
    build = finish(cloud, start(cloud, project))
    assert build["buildStatus"] == "SUCCEEDED"
    assert build["currentPhase"] == "COMPLETED"
    assert statuses(build) == {
        **dict.fromkeys(
            ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD"], "SUCCEEDED"
        ),
        **dict.fromkeys(["BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING"], "SUCCEEDED"),
        "COMPLETED": None,
    }
    times = [time for phase in build["phases"][:-1] for time in (phase["startTime"], phase["endTime"])]
    assert times == sorted(times)
    lines = log(cloud, build)
    begin = lines.index("[Container] Entering phase PRE_BUILD")
    assert lines[begin : lines.index("[Container] Phase complete: POST_BUILD State: SUCCEEDED")] == [
        "[Container] Entering phase PRE_BUILD",
        '[Container] Running command echo "$WORD in $(basename "$PWD")"',
        "kept in sub",
        "[Container] Phase complete: PRE_BUILD State: SUCCEEDED",
        "[Container] Phase context status code:  Message: ",
        "[Container] Entering phase BUILD",
        "[Container] Running command printf 'no newline'",
        "no newline",
        "[Container] Running command echo err >&2\necho second line",
        "err",
        "second line",
        "[Container] Phase complete: BUILD State: SUCCEEDED",
        "[Container] Phase context status code:  Message: ",
        "[Container] Entering phase POST_BUILD",
        "[Container] Running command echo succeeding=$CODEBUILD_BUILD_SUCCEEDING",
        "succeeding=1",
    ]


@pytest.mark.parametrize(
    ("phases", "expected", "absent"),
    [
        pytest.param(
            {"install": {"commands": ["false", "echo no"]}, "build": {"commands": ["echo no"]}},
            {"INSTALL": "FAILED", "FINALIZING": "SUCCEEDED"},
            {"PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS"},
            id="a failed install ends the build",
        ),
        pytest.param(
            {"build": {"commands": ["false"]}, "post_build": {"commands": ["test $CODEBUILD_BUILD_SUCCEEDING = 0"]}},
            {"BUILD": "FAILED", "POST_BUILD": "SUCCEEDED", "UPLOAD_ARTIFACTS": "SUCCEEDED"},
            set(),
            id="a failed build goes on to post_build",
        ),
        pytest.param(
            {"build": {"commands": ["exit 3"]}, "post_build": {"commands": ["test $CODEBUILD_BUILD_SUCCEEDING = 0"]}},
            {"BUILD": "FAILED", "POST_BUILD": "SUCCEEDED"},
            set(),
            id="a command that ends the shell",
        ),
        pytest.param(
            {"build": {"commands": ["if then"]}},
            {"BUILD": "FAILED"},
            set(),
            id="a syntax error",
        ),
    ],
)
def test_failures(cloud: Cloud, phases: Json, expected: dict[str, str], absent: set[str]) -> None:
    build = finish(cloud, start(cloud, make_project(cloud, phases)))
    assert build["buildStatus"] == "FAILED"
    assert statuses(build).items() >= expected.items()
    assert not absent & statuses(build).keys()
    assert "no" not in log(cloud, build)


def test_failure_says_which_command_and_why(cloud: Cloud) -> None:
    build = finish(cloud, start(cloud, make_project(cloud, {"build": {"commands": ["sh -c 'exit 7'"]}})))
    message = "Error while executing command: sh -c 'exit 7'. Reason: exit status 7"
    contexts = {phase["phaseType"]: phase.get("contexts") for phase in build["phases"]}
    assert contexts["BUILD"] == [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": message}]
    assert f"[Container] Phase context status code: COMMAND_EXECUTION_ERROR Message: {message}" in log(cloud, build)


def test_the_log_has_long_and_broken_lines_too(cloud: Cloud) -> None:
    long_line = "head -c 200000 /dev/zero | tr '\\0' x"
    project = make_project(cloud, {"build": {"commands": [long_line, "printf 'a\\377b\\n'"]}})
    lines = log(cloud, finish(cloud, start(cloud, project)))
    assert sum(len(line) for line in lines if set(line) == {"x"}) == 200_000
    assert "a\ufffdb" in lines


def test_an_override_that_the_product_does_not_use_is_refused(cloud: Cloud) -> None:
    codebuild = cloud.client("codebuild")
    project = make_project(cloud, {"build": {"commands": ["true"]}})
    with pytest.raises(codebuild.exceptions.InvalidInputException, match="takes no imageOverride"):
        codebuild.start_build(projectName=project, imageOverride="other:1")


def test_unknown_names(cloud: Cloud) -> None:
    codebuild = cloud.client("codebuild")
    with pytest.raises(codebuild.exceptions.ResourceNotFoundException):
        codebuild.start_build(projectName="none-such")
    with pytest.raises(codebuild.exceptions.ResourceNotFoundException):
        codebuild.stop_build(id="none-such:1")


def test_number_of_builds_and_listing(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["true"]}}, queuedTimeoutInMinutes=7)
    builds = [finish(cloud, start(cloud, project)) for _ in range(2)]
    assert [build["buildNumber"] for build in builds] == [1, 2]
    assert builds[0]["queuedTimeoutInMinutes"] == 7
    listed = cloud.client("codebuild").list_builds_for_project(projectName=project)["ids"]
    assert set(listed) == {build["id"] for build in builds}
    assert time.time() >= builds[1]["endTime"].timestamp()
