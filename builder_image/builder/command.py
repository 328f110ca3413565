"""`blue-faas-build`: run one build, write its report, end with 0 for an image that was pushed and 1 otherwise."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Final, NoReturn

from pydantic import ValidationError

from builder import pipeline
from builder.aws import Aws
from builder.errors import BuildError, PlatformError, TaskEndedError, TypeCheckFailedError
from builder.log import BuildLog, printable
from builder.sandbox import own_disk, processes, role_address
from builder.settings import Settings
from builder.toolchain import Toolchain, ToolchainError, identity
from functions.contracts.build_result import BuildResult, Finding
from functions.contracts.task import result_key

_MOST_CHARACTERS: Final = 16_000
_MOST_FINDING_BYTES: Final = 64 * 1024


def main() -> int:
    """Run the process; its exit code is what CodeBuild, and so the state machine, sees."""
    signal.signal(signal.SIGTERM, _end)
    processes.harden()
    own_disk.take_namespace()
    log = BuildLog()
    try:
        settings = Settings.read()
    except ValidationError as error:
        log.line(f"The build cannot start: {error}")
        return 1
    try:
        role_address.close(os.environ, settings.build_user, settings.lock_dir)
    except role_address.ExposedError as error:
        log.line("The build cannot start: its machine is not safe to build on. Please tell the platform team.")
        log.line(str(error), source="builder")
        return 1
    aws = Aws(settings.aws_region)
    result = build(settings, aws, log)
    return 0 if result is not None and result.outcome == "succeeded" else 1


def build(settings: Settings, aws: Aws, log: BuildLog) -> BuildResult | None:
    """Run one build and write its report; None when the task had ended, and nobody waits for a report."""
    toolchain = Toolchain(settings.toolchain, settings.fast_lane)
    try:
        result = pipeline.run(settings, aws, toolchain, log)
    except TaskEndedError as error:
        log.line(f"Nothing to do: {error}.")
        return None
    except BuildError as error:
        findings = error.findings if isinstance(error, TypeCheckFailedError) else ()
        result = BuildResult(
            outcome="failed",
            unexpected=isinstance(error, PlatformError),
            error=_shortened(str(error)),
            errors=_as_many_as_fit(findings),
        )
    except Exception as error:
        log.lines(traceback.format_exc(), source="builder")
        result = BuildResult(
            outcome="failed",
            unexpected=True,
            error=f"The builder failed unexpectedly ({type(error).__name__}). Please try again; if it persists, "
            f"tell the platform team, quoting task {settings.task_id}.",
        )
    log.finish()
    versions: dict[str, str] = {}
    with contextlib.suppress(ToolchainError, OSError):
        versions = toolchain.versions
    result = result.model_copy(update={"durations": log.durations, "toolchain": versions, "builder": identity()})
    aws.s3.put_object(
        Bucket=settings.code_bucket,
        Key=result_key(settings.task_id),
        Body=result.model_dump_json(indent=2).encode(),
        ContentType="application/json",
    )
    if result.outcome == "succeeded":
        log.line(f"Pushed {result.image_url}")
    else:
        log.line("Failed:")
        log.error(str(result.error))
    return result


def _shortened(text: str) -> str:
    # It travels through Step Functions (256 KiB of state) and DynamoDB (400 KB of item) to someone who reads it.
    text = printable(text)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "\n(shortened)"


def _as_many_as_fit(findings: Sequence[Finding]) -> list[Finding]:
    # Whoever reads the report reads it whole or not at all.
    left = _MOST_FINDING_BYTES
    kept = []
    for finding in findings:
        left -= len(finding.model_dump_json().encode())
        if left < 0:
            break
        kept.append(finding)
    return kept


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # A stopped build: unwinding ends the sandboxes and removes their folders.
    with contextlib.suppress(Exception):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)
