"""One build, from the task's row to the pushed image, in the order of the picture in docs/.

fetch ▸ unpack ▸ packages ▸ (type check ∥ spin build) ▸ collect ▸ row: pushing ▸ (component and SBOM to S3 ∥ push)
▸ provenance
"""

import concurrent.futures
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.aws import Aws
from builder.compile import spin_build
from builder.documents.attest import Attestor
from builder.log import BuildLog
from builder.packages import install, package_index
from builder.packages.install import InstalledPackages
from builder.progress import Progress
from builder.push import collect, credentials, pushed
from builder.push.collect import PushFolder
from builder.push.registry import Registry
from builder.sandbox import processes
from builder.sandbox.run import Sandbox
from builder.sandbox.work_folder import work_folder
from builder.settings import Settings
from builder.source.identity import content_digest
from builder.source.upload import App, fetch, unpack
from builder.task import BuildTask
from builder.toolchain import Toolchain
from builder.typecheck import type_check
from functions.contracts.build_result import BuildResult, Way
from functions.contracts.image_tags import image_tag
from functions.contracts.task import TaskKey, provenance_key, sbom_key, wasm_key
from functions.contracts.task_row import BuildOrder


def run(settings: Settings, aws: Aws, toolchain: Toolchain, log: BuildLog) -> BuildResult:
    """Build and push one task.

    Raises
    ------
    BuildError
        For a reason that the uploader can act on.
    TaskEndedError
        The task ended before the push.
    """
    started = datetime.datetime.now(datetime.UTC)
    row = BuildTask(aws.dynamodb, settings.task_table, TaskKey(settings.workspace_id, settings.task_id))
    task = row.take(settings.build_id)
    with (
        work_folder(settings.work_dir) as work,
        concurrent.futures.ThreadPoolExecutor(thread_name_prefix="step") as threads,
        Progress(log, row.note_step),
    ):
        build = _Build(settings, aws, toolchain, log, task, work, threads)
        threads.submit(lambda: toolchain.versions)  # asked for early, kept by the toolchain
        app, source_sha256 = build.fetch()
        threads.submit(lambda: aws.kms if task.registry_credentials is not None else aws.ecr)
        installed = install.install(app, toolchain, build.installer, work / "environment", settings.limits, log)
        push_folder = build.make(app, installed)
        ways = build.ways(app, push_folder)
        pins = [entry.pin for entry in installed.locked] if installed is not None else []
        attestor = Attestor(aws.s3, settings, task, toolchain.versions, started)
        digests = attestor.digests(push_folder)
        tag = image_tag(content_digest(app.folder, toolchain.versions, pins, digests), task.workspace_id)
        row.start_pushing()
        stored = threads.submit(build.store, push_folder, attestor, app, installed, digests)
        digest = build.push(push_folder, tag)
        stored.result()
        image_url = f"{task.image_repository}:{tag}"
        attestor.store_provenance(source_sha256, installed, digests, ways, (image_url, digest))
        return BuildResult(
            outcome="succeeded",
            image_url=image_url,
            digest=digest,
            wasm_size=push_folder.wasm.stat().st_size,
            wasm_sha256=digests[push_folder.components[0]],
            way=ways[push_folder.components[0]],
            sbom_key=sbom_key(task.task_id),
            provenance_key=provenance_key(task.task_id),
        )


@dataclass(frozen=True, slots=True)
class _Build:
    """The steps of one build, with what all of them need."""

    settings: Settings
    aws: Aws
    toolchain: Toolchain
    log: BuildLog
    task: BuildOrder
    work: Path
    threads: concurrent.futures.Executor

    def fetch(self) -> tuple[App, str]:
        """Fetch and unpack the app; answer it, and the SHA-256 of the upload."""
        limits, task = self.settings.limits, self.task
        upload, folder = self.work / "upload", self.work / "app"
        folder.mkdir(mode=0o700)
        with self.log.step("fetch", f"Fetch {task.file_name}"):
            sha256 = fetch(self.aws.s3, self.settings.code_bucket, task.source_key, upload, limits)
        with self.log.step("unpack", "Unpack and read spin.toml"):
            app = unpack(upload, task, folder, limits)
        upload.unlink()
        return app, sha256

    def installer(self) -> Sandbox:
        """Make the sandbox that packages are installed in: with a network, and without the uploader's code."""
        return self._sandbox("packages", package_index.environment(), network=True)

    def make(self, app: App, installed: InstalledPackages | None) -> PushFolder:
        """Type check and build side by side, each in a sandbox of its own; then take what is to be pushed."""
        settings, toolchain, log = self.settings, self.toolchain, self.log
        check_environment = toolchain.environment()
        build_environment = toolchain.environment(installed.environment if installed is not None else None)
        with self._sandbox("check", check_environment) as check_box, self._sandbox("build", build_environment) as box:
            folder = spin_build.place(app, box)

            def check() -> None:
                with log.step("type_check", "Type check"):
                    known = installed.folder if installed is not None else None
                    type_check.check(app, check_box, toolchain, settings.mypy_cache, log, known)

            def build() -> None:
                with log.step("build", "spin build"):
                    spin_build.build(app, folder, box, toolchain, log)

            self._side_by_side(check, build, box)
            # The last process of the builder's own that may be running: `spin --version`.
            _ = toolchain.versions
            processes.kill_descendants_unless_root()
            with log.step("collect", "Collect what is to be pushed"):
                return collect.collect(app.manifest, folder, self.work / "push", settings.limits)

    def ways(self, app: App, push_folder: PushFolder) -> dict[str, Way]:
        """How each component that is pushed was made, by its path."""
        built = {component.source for component in app.manifest.components if component.commands}
        ways: dict[str, Way] = {
            path: self.toolchain.way_of(push_folder.path / path) if path in built else "uploaded"
            for path in push_folder.components
        }
        for path, way in ways.items():
            self.log.line(f"{path}: {way}")
        return ways

    def store(
        self,
        push_folder: PushFolder,
        attestor: Attestor,
        app: App,
        installed: InstalledPackages | None,
        digests: Mapping[str, str],
    ) -> None:
        """Component and SBOM to S3."""
        with self.log.step("store", "Component and SBOM to S3"):
            with push_folder.wasm.open("rb") as component:
                self.aws.s3.put_object(
                    Bucket=self.settings.code_bucket,
                    Key=wasm_key(self.task.task_id),
                    Body=component,
                    ContentType="application/wasm",
                )
            attestor.store_sbom(app, installed, digests)

    def push(self, push_folder: PushFolder, tag: str) -> str | None:
        """Push; answers the manifest's digest if the registry said it."""
        repository, seconds = self.task.image_repository, self.settings.limits.push_seconds
        with self.log.step("push", f"Push {repository}:{tag}"):
            login = credentials.login_for(self.task, self.aws)

            def digest_of(reference: str) -> str | None:
                return pushed.digest_of(reference, login, self.aws)

            registry = Registry(repository, login, self.toolchain, self.work / "home", seconds, self.log, digest_of)
            return registry.push(push_folder.manifest, tag)

    def _sandbox(self, name: str, environment: dict[str, str], *, network: bool = False) -> Sandbox:
        settings = self.settings
        return Sandbox.make(
            self.work / name, environment, settings.build_user, settings.lock_dir, settings.limits, network=network
        )

    def _side_by_side(self, check: Callable[[], None], build: Callable[[], None], build_box: Sandbox) -> None:
        """Run both. A failed check stops the build and is what the uploader hears of; a failed build waits for it."""
        building = self.threads.submit(build)
        try:
            check()
            building.result()
        except BaseException:
            # Also when this process is told to end: the step must be over before its sandbox is given up.
            build_box.stop()
            concurrent.futures.wait([building])
            raise
