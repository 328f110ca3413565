"""One registry for all tests: ministack with the gate before it."""

from collections.abc import Iterator

import pytest

from local.tests.oci.servers import LocalRegistry, local_registry


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A running registry; each module makes repositories of its own names."""
    with local_registry(tmp_path_factory.mktemp("ministack")) as running:
        yield running
