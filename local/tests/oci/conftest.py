"""One registry for each module: ministack with the gate before it."""

from collections.abc import Iterator

import pytest

from local.tests.oci.servers import LocalRegistry, local_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A running registry without repositories."""
    with local_registry(tmp_path_factory.mktemp("ministack")) as running:
        yield running
