"""Installs every seam. Environment (`local.aws.environment`) and version of ministack must be right by then."""

from dataclasses import dataclass

from local.aws.codebuild.builds import BuildQueue
from local.aws.credentials import RunCredentials
from local.aws.seams import (
    alarms,
    authorizers,
    cloudformation,
    codebuild,
    concurrency,
    ecr,
    ecr_images,
    ecr_referrers,
    eks,
    execution_life,
    history,
    iam,
    key_conditions,
    lambda_workers,
    metrics,
    s3_events,
    saved_state,
    start_build,
    state_machine_role,
    stored_bytes,
    task_tokens,
    worker_code,
    worker_start,
)
from local.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Installed:
    """What the process itself needs of it."""

    queue: BuildQueue
    registry: ecr.Registry
    keeper: saved_state.Keeper | None
    """Of the state; None when it is not kept."""


def install(settings: Settings, credentials: RunCredentials) -> Installed:
    """Join everything to ministack."""
    access = iam.install(settings, credentials)
    registry = ecr.install(settings)
    registry.token(credentials.access_key_id, credentials.registry_password, seconds=float("inf"))
    registry.token(iam.make_node(settings), credentials.node_password, seconds=float("inf"))
    stored_bytes.install(settings.state_dir / "tmp")
    ecr_images.install()
    ecr_referrers.install()
    builds = codebuild.install(settings, access)
    execution_life.install()
    history.install()
    start_build.install(builds)
    state_machine_role.install(access)
    task_tokens.install()
    authorizers.install(settings)
    eks.install(settings)
    key_conditions.install()
    concurrency.install()
    lambda_workers.install()
    worker_code.install(settings.state_dir / "tmp")
    worker_start.install()
    s3_events.install()
    alarms.install()
    metrics.install()
    cloudformation.install()  # the others add to it
    keeper = saved_state.install(settings.state_dir / "services") if settings.keep_state else None
    return Installed(builds.queue, registry, keeper)
