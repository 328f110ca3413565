"""A cloud of this folder's own, with small limits: what is sent to it should end soon, and disturb nobody else."""

from collections.abc import Iterator

import pytest

from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.e2e.conftest import PLANTED, cloud
from tests.support import components

__all__ = ["cloud"]

MIB = 1024 * 1024
SECONDS = 20
LIMITS = {
    "BLUE_FAAS_BUILD_SECONDS": str(SECONDS),
    "BLUE_FAAS_TYPE_CHECK_SECONDS": str(SECONDS),
    "BLUE_FAAS_DISK_BYTES": str(192 * MIB),
    "BLUE_FAAS_FILE_BYTES": str(64 * MIB),
    "BLUE_FAAS_MEMORY_BYTES": str(512 * MIB),
    "BLUE_FAAS_PROCESSES": "64",
    "BLUE_FAAS_LOG_BYTES": str(64 * 1024),
}


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[Cloud]:
    """The cloud itself: for its logs and addresses."""
    environment = {"PLANTED_SECRET": PLANTED, **LIMITS}
    options = CloudOptions(
        port=0, concurrent_builds=3, builder_environment=environment, compile_cache=components.COMPILED
    )
    with Cloud(options) as cloud:
        yield cloud
