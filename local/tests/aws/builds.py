"""What tests of builds do with CodeBuild and CloudWatch Logs, as any client would."""

import json
import re
import uuid
from typing import Any

from local.tests.aws.conftest import Cloud, eventually, make_role

Json = dict[str, Any]


def make_project(cloud: Cloud, phases: Json, **options: Any) -> str:
    """Create a project that runs ``phases``; returns its name."""
    name = f"project-{uuid.uuid4()}"
    spec = {"version": "0.2", "env": options.pop("env", {}), "phases": phases}
    source = options.pop("source", {"type": "NO_SOURCE", "buildspec": json.dumps(spec)})
    environment = {
        "type": "LINUX_CONTAINER",
        "image": "builder:1",
        "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": options.pop("variables", []),
    }
    role = options.pop("role", "") or make_role(cloud, "codebuild", "logs:*")
    cloud.client("codebuild").create_project(
        name=name,
        source=source,
        artifacts={"type": "NO_ARTIFACTS"},
        environment=environment,
        serviceRole=role,
        **options,
    )
    return name


def start(cloud: Cloud, project: str, **options: Any) -> str:
    """Start a build; returns its id."""
    return str(cloud.client("codebuild").start_build(projectName=project, **options)["build"]["id"])


def get(cloud: Cloud, build_id: str) -> Json:
    """The build as it is now."""
    found: list[Json] = cloud.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    return found[0]


def finish(cloud: Cloud, build_id: str) -> Json:
    """The build when it has ended."""
    eventually(lambda: get(cloud, build_id)["buildComplete"])
    return get(cloud, build_id)


def log(cloud: Cloud, build: Json) -> list[str]:
    """The build's log, without the times in CodeBuild's own lines."""
    events = cloud.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True
    )["events"]
    stamp = re.compile(r"^\[Container\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} ")
    return [stamp.sub("[Container] ", event["message"]) for event in events]


def statuses(build: Json) -> dict[str, str | None]:
    """Phase to its status, in order."""
    return {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}
