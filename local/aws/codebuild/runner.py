"""Runs one build from DOWNLOAD_SOURCE to FINALIZING, in the calling thread.

Phase order and what a failure leads to: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
(a failed BUILD still runs POST_BUILD, any other failed phase ends the build).
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.aws.codebuild import variables
from local.aws.codebuild.buildspec import Buildspec, BuildspecError, PhaseName, parse
from local.aws.codebuild.record import FAILED, SUCCEEDED, BuildRecord
from local.aws.codebuild.shell import ShellExitedError, ShellSession
from local.aws.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """Temporary credentials of a project's service role."""

    environment: Mapping[str, str]
    """AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN."""
    log_refusal: str = ""
    """Why CodeBuild may not write the build's log; empty when it may."""


class BuildRunner:
    """One build's phases. `end` may be called from any thread, at any time."""

    def __init__(
        self,
        settings: Settings,
        project: Mapping[str, Any],
        record: BuildRecord,
        emit: Callable[[str], None],
        role: ServiceRole,
    ) -> None:
        self._settings = settings
        self._project = project
        self._record = record
        self._emit = emit
        self._role = role
        self._lock = threading.Lock()
        self._session: ShellSession | None = None
        self._ended: str | None = None
        self._environment: dict[str, str] = {}
        self._work = settings.builds_dir / str(record.snapshot()["id"]).rpartition(":")[2]

    def end(self, status: str) -> None:
        """End the build before its time with ``status`` (STOPPED, TIMED_OUT)."""
        with self._lock:
            self._ended = self._ended or status
            if self._session is not None:
                self._session.terminate()

    def run(self) -> str:
        """Run it; returns the build's status. Leaves no process and no file behind."""
        try:
            self._record.begin("PROVISIONING")
            self._make_folders()
            if self._role.log_refusal:
                self._record.end(FAILED, "ACCESS_DENIED", self._role.log_refusal)
                return FAILED
            spec = self._download()
            status = self._phases(spec) if spec is not None else FAILED
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        if self._ended:
            self._record.end(self._ended)
            return self._ended
        if self._record.phase == "POST_BUILD":
            self._record.begin("UPLOAD_ARTIFACTS")
        self._record.begin("FINALIZING")
        self._record.end(SUCCEEDED)
        return status

    def _make_folders(self) -> None:
        """Traversable for the unprivileged users that the builder drops to; ``tmp`` is theirs to write in."""
        for name, mode in (("", 0o755), ("src", 0o755), ("home", 0o755), ("tmp", 0o1777), ("commands", 0o700)):
            folder = self._work / name
            folder.mkdir()
            folder.chmod(mode)

    def _download(self) -> Buildspec | None:
        """Buildspec and variables: DOWNLOAD_SOURCE fails when one cannot be had."""
        self._record.begin("DOWNLOAD_SOURCE")
        source = self._project.get("source") or {}
        declared = (self._project.get("environment") or {}).get("environmentVariables") or []
        try:
            if (kind := source.get("type") or "NO_SOURCE") != "NO_SOURCE":
                raise BuildspecError(f"Source type {kind} is not supported on this machine; use NO_SOURCE")
            self._say(f"CODEBUILD_SRC_DIR={self._work / 'src'}")
            spec = parse(str(source.get("buildspec") or ""))
            self._say("Processing environment variables")
            self._environment = {
                **variables.base(
                    self._settings, self._record.snapshot(), self._project, self._work, self._role.environment
                ),
                **variables.resolve(spec, declared),
            }
        except (BuildspecError, variables.VariableError, SettingsError) as error:
            code = "YAML_FILE_ERROR" if isinstance(error, BuildspecError) else "CLIENT_ERROR"
            self._fail("DOWNLOAD_SOURCE", code, str(error))
            return None
        return spec

    def _phases(self, spec: Buildspec) -> str:
        """Run the phases; returns SUCCEEDED or FAILED."""
        status = SUCCEEDED
        try:
            for name in PhaseName:
                if not self._phase(name.upper(), spec.phases.get(name, ())):
                    status = FAILED
                    if name is not PhaseName.BUILD or self._ended:
                        break
                    self._environment["CODEBUILD_BUILD_SUCCEEDING"] = "0"
                    if self._session is not None:  # a new shell takes it from the environment
                        self._run("export CODEBUILD_BUILD_SUCCEEDING=0")
        finally:
            self._close_session()
        return status

    def _phase(self, label: str, commands: tuple[str, ...]) -> bool:
        """Run one phase; False when it failed or the build was ended."""
        self._record.begin(label)
        self._say(f"Entering phase {label}")
        failure = self._commands(commands)
        if self._ended:
            return False
        if failure:
            self._fail(label, "COMMAND_EXECUTION_ERROR", failure)
            return False
        self._say(f"Phase complete: {label} State: {SUCCEEDED}")
        self._say("Phase context status code:  Message: ")
        return True

    def _commands(self, commands: tuple[str, ...]) -> str:
        """Run commands until one fails; returns why it failed, or nothing."""
        for command in commands:
            if self._ended:
                return ""
            self._say(f"Running command {command}")
            status = self._run(command)
            if status and not self._ended:
                self._say(f"Command did not exit successfully {command} exit status {status}")
                return f"Error while executing command: {command}. Reason: exit status {status}"
        return ""

    def _run(self, command: str) -> int:
        """Exit status of ``command``. One that ends the shell (``exit 3``) counts; the next one gets a new shell."""
        with self._lock:
            if self._ended:
                return 0
            if self._session is None:
                self._session = ShellSession(self._environment, self._work / "src", self._work / "commands", self._emit)
            session = self._session
        try:
            return session.run(command)
        except ShellExitedError as error:
            self._close_session()
            return error.status

    def _close_session(self) -> None:
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _fail(self, phase: str, code: str, message: str) -> None:
        self._say(f"Phase complete: {phase} State: {FAILED}")
        self._say(f"Phase context status code: {code} Message: {message}")
        self._record.end(FAILED, code, message)

    def _say(self, text: str) -> None:
        """Write a line of CodeBuild's own, in its form."""
        self._emit(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {text}")
