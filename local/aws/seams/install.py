"""Installs every seam. Environment (`local.aws.environment`) and version of ministack must be right by then."""

from local.aws.codebuild.builds import BuildQueue
from local.aws.seams import (
    cloudformation,
    codebuild,
    eks,
    execution_life,
    history,
    lambda_workers,
    s3_events,
    saved_state,
    start_build,
    worker_start,
)
from local.aws.settings import Settings


def install(settings: Settings) -> BuildQueue:
    """Join everything to ministack; returns the queue of builds, for the end of the process."""
    builds = codebuild.install(settings)
    execution_life.install()
    history.install()
    start_build.install(builds)
    eks.install(settings)
    lambda_workers.install()
    worker_start.install()
    s3_events.install()
    saved_state.install()
    cloudformation.install()  # last: the others add to it
    return builds.queue
