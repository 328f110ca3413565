"""The environment of a build: what CodeBuild sets, what this machine adds, what buildspec, project and caller say.

Later ones win, in that order (as documented: the start of a build beats the project, the project beats the buildspec).
A build on AWS has its service role's temporary keys behind a credentials address; here it has such keys in its
variables, and ``AWS_ENDPOINT_URL``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.aws.codebuild.buildspec import Buildspec
from local.aws.settings import Settings

Json = Mapping[str, Any]


class VariableError(Exception):
    """A variable's value cannot be had on this machine."""


def base(settings: Settings, record: Json, project: Json, work: Path, role: Mapping[str, str]) -> dict[str, str]:
    """List what every build has. ``work`` is the build's folder, with ``src``, ``home`` and ``tmp`` in it.

    ``role`` are the variables with the service role's credentials.

    Reference: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    """
    group, stream = record["logs"]["groupName"], record["logs"]["streamName"]
    return {
        "PATH": settings.codebuild_path,
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ID": record["id"],
        "CODEBUILD_BUILD_ARN": record["arn"],
        "CODEBUILD_BUILD_NUMBER": str(record["buildNumber"]),
        "CODEBUILD_BUILD_IMAGE": str(project.get("environment", {}).get("image", "")),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": str(record.get("initiator", "")),
        "CODEBUILD_LOG_PATH": stream,
        "CODEBUILD_LOG_GROUP": group,
        "CODEBUILD_SRC_DIR": str(work / "src"),
        "CODEBUILD_SOURCE_VERSION": str(record.get("sourceVersion") or ""),
        "CODEBUILD_START_TIME": str(int(record["startTime"] * 1000)),
        "AWS_ENDPOINT_URL": settings.endpoint,
        **role,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        **settings.codebuild_env(),
    }


def resolve(spec: Buildspec, declared: Iterable[Json]) -> dict[str, str]:
    """Values of the buildspec's variables, then of ``declared`` (the project's with the caller's overrides).

    Raises `VariableError`.
    """
    values = dict(spec.variables)
    for variable in declared:
        name, kind = str(variable["name"]), variable.get("type", "PLAINTEXT")
        if kind != "PLAINTEXT":
            raise VariableError(f"{name}: variables of type {kind} are not supported on this machine")
        values[name] = str(variable.get("value", ""))
    return values


def override(declared: Iterable[Json], overrides: Iterable[Json]) -> list[Json]:
    """Put the caller's variables in the place of the project's, matched by name."""
    return list({**{v["name"]: v for v in declared}, **{v["name"]: v for v in overrides}}.values())
