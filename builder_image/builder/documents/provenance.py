"""How an image came to be: an in-toto Statement v1 with SLSA provenance v1, ready to be signed.

The statement is stored as canonical JSON. `functions.tasks.signer` signs it, when the image is in the stack's own
repository.

Formats: in-toto.io/Statement/v1, slsa.dev/provenance/v1.
"""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from builder.documents.statements import package_url
from builder.packages.resolver import Locked
from functions.contracts.build_result import Way
from functions.contracts.task_row import BuildOrder

BUILD_TYPE: Final = "urn:blue-faas:build-and-push:v1"
_UNKNOWN_BUILDER: Final = "urn:blue-faas:builder"


@dataclass(frozen=True, slots=True)
class Source:
    """The upload: where it is and what it was when the build read it."""

    uri: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Run:
    """Who built, when, and by which instructions."""

    builder: str
    build_arn: str | None
    buildspec: bytes
    versions: Mapping[str, str]
    started: datetime.datetime
    finished: datetime.datetime


def statement(
    task: BuildOrder,
    source: Source,
    run: Run,
    *,
    image: tuple[str, str | None],
    wasm: Mapping[str, str],
    ways: Mapping[str, Way],
    packages: Sequence[Locked],
) -> dict[str, Any]:
    """Describe one build as an in-toto statement.

    Parameters
    ----------
    image
        Image reference, and its manifest's digest (``sha256:…``) if the registry said it.
    wasm
        URI of each stored or pushed component, to its SHA-256.
    ways
        Path of each component in the app, to how it was made.
    """
    reference, digest = image
    subjects = [{"name": uri, "digest": {"sha256": sha256}} for uri, sha256 in wasm.items()]
    if digest is not None:
        subjects.insert(0, {"name": reference, "digest": {"sha256": digest.removeprefix("sha256:")}})
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "source": source.uri,
                    "workspace_id": task.workspace_id,
                    "image_repository": task.image_repository,
                    **({"app_name": task.app_name} if task.app_name is not None else {}),
                },
                "internalParameters": {
                    "toolchain": run.builder,
                    "ways": dict(ways),
                    "buildspec": {"sha256": hashlib.sha256(run.buildspec).hexdigest()},
                },
                "resolvedDependencies": [
                    {"uri": source.uri, "digest": {"sha256": source.sha256}},
                    *({"uri": _uri(name, version)} for name, version in sorted(run.versions.items())),
                    *(
                        {"uri": _uri(package.name, package.version), "digest": {"sha256": package.sha256}}
                        for package in packages
                    ),
                ],
            },
            "runDetails": {
                "builder": {"id": _builder_id(run.build_arn), "version": dict(run.versions)},
                "metadata": {
                    "invocationId": task.task_id,
                    "startedOn": _time(run.started),
                    "finishedOn": _time(run.finished),
                },
                **({"byproducts": [{"name": "codebuild", "uri": run.build_arn}]} if run.build_arn else {}),
            },
        },
    }


def _uri(name: str, version: str) -> str:
    # The Spin CLI is the one tool that is no Python package.
    return f"pkg:generic/spin@{version}" if name == "spin" else package_url(name, version)


def _builder_id(build_arn: str | None) -> str:
    """Name the CodeBuild project: who can change it decides what a build is. ``arn:…:build/PROJECT:UUID`` holds it."""
    if build_arn is None or ":build/" not in build_arn:
        return _UNKNOWN_BUILDER
    account, _, build = build_arn.partition(":build/")
    return f"{account}:project/{build.partition(':')[0]}"


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
