"""One build, from the task's row to the pushed image, in the order of the picture in docs/.

fetch ▸ unpack ▸ (type check ∥ spin build) ▸ collect ▸ row: pushing ▸ (component to S3 ∥ push)
"""

import concurrent.futures
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from builder import collect, compile, credentials, identity, processes, source, typecheck  # noqa: A004
from builder.aws import Aws
from builder.collect import Package
from builder.log import BuildLog
from builder.registry import Registry
from builder.sandbox import Sandbox
from builder.settings import Settings
from builder.source import App
from builder.task import Task, TaskRow
from builder.toolchain import Toolchain
from functions.contracts.build_result import BuildResult
from functions.contracts.task import wasm_key

_WORK_PREFIX: Final = "blue-faas-build-"


def run(settings: Settings, aws: Aws, toolchain: Toolchain, log: BuildLog) -> BuildResult:
    """Build and push one task.

    Raises
    ------
    BuildError
        For a reason that the uploader can act on.
    TaskEndedError
        The task ended before the push.
    """
    row = TaskRow(aws.dynamodb, settings.task_table, settings.workspace_id, settings.task_id)
    task = row.read()
    work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=settings.work_dir))
    try:
        # Others may pass through to the one folder in it that is theirs, and list nothing.
        work.chmod(0o711)
        with concurrent.futures.ThreadPoolExecutor(thread_name_prefix="step") as threads:
            threads.submit(lambda: toolchain.versions)  # asked for early, kept by the toolchain
            app = _app(settings, aws, task, work, log)
            threads.submit(lambda: aws.kms if task.registry_credentials is not None else aws.ecr)
            package = _package(settings, app, toolchain, work, threads, log)
            tag = identity.image_tag(task.workspace_id, app.folder, toolchain.versions)
            row.start_pushing()
            stored = threads.submit(_store, aws, settings, package, log)
            digest = _push(settings, aws, task, toolchain, package, tag, work, log)
            stored.result()
        return BuildResult(
            outcome="succeeded",
            image_url=f"{task.image_repository}:{tag}",
            digest=digest,
            wasm_size=package.wasm.stat().st_size,
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _app(settings: Settings, aws: Aws, task: Task, work: Path, log: BuildLog) -> App:
    upload, folder = work / "upload", work / "app"
    folder.mkdir(mode=0o700)
    with log.step("fetch", f"Fetch {task.file_name}"):
        source.fetch(aws.s3, settings.code_bucket, task.source_key, upload, settings.limits)
    with log.step("unpack", "Unpack and read spin.toml"):
        app = source.unpack(upload, task, folder, settings.limits)
    upload.unlink()
    return app


def _package(
    settings: Settings,
    app: App,
    toolchain: Toolchain,
    work: Path,
    threads: concurrent.futures.Executor,
    log: BuildLog,
) -> Package:
    """Type check and build side by side, each in a sandbox of its own; then take what is to be pushed."""

    def sandbox(name: str) -> Sandbox:
        folder = work / name
        return Sandbox.make(folder, toolchain.environment, settings.build_user, settings.lock_dir, settings.limits)

    with sandbox("check") as check_box, sandbox("build") as build_box:
        folder = compile.place(app, build_box)

        def check() -> None:
            with log.step("type_check", "Type check"):
                typecheck.check(app, check_box, toolchain, settings.mypy_cache, log)

        def build() -> None:
            with log.step("build", "spin build"):
                compile.build(app, folder, build_box, toolchain, log)

        _side_by_side(check, build, build_box, threads)
        # The last process of the builder's own that may be running: `spin --version`.
        _ = toolchain.versions
        processes.kill_descendants_unless_root()
        with log.step("collect", "Collect what is to be pushed"):
            return collect.collect(app.manifest, folder, work / "package", settings.limits)


def _side_by_side(
    check: Callable[[], None], build: Callable[[], None], build_box: Sandbox, threads: concurrent.futures.Executor
) -> None:
    """Run both. A failed check stops the build and is what the uploader hears of; a failed build waits for it."""
    building = threads.submit(build)
    try:
        check()
        building.result()
    except BaseException:
        # Also when this process is told to end: the step must be over before its sandbox is given up.
        build_box.stop()
        concurrent.futures.wait([building])
        raise


def _store(aws: Aws, settings: Settings, package: Package, log: BuildLog) -> None:
    with log.step("store", "Component to S3"):
        aws.s3.upload_file(
            str(package.wasm),
            settings.code_bucket,
            wasm_key(settings.task_id),
            ExtraArgs={"ContentType": "application/wasm"},
        )


def _push(
    settings: Settings,
    aws: Aws,
    task: Task,
    toolchain: Toolchain,
    package: Package,
    tag: str,
    work: Path,
    log: BuildLog,
) -> str | None:
    with log.step("push", f"Push {task.image_repository}:{tag}"):
        login = credentials.login_for(task, aws)
        registry = Registry(task.image_repository, login, toolchain, work / "home", settings.limits.push_seconds, log)
        return registry.push(package.manifest, tag)
