"""The ``spin`` executable, and one registry."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.spin_cli import install_wrapper
from local.tests.oci.servers import ECR_HOST, LocalRegistry, local_registry
from local.tests.spin_cli.helpers import REPO_ROOT, Spin


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A running registry; each module makes repositories of its own names."""
    with local_registry(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture
def spin(tmp_path: Path) -> Spin:
    """The executable, without mirrors, and an empty home."""
    install_wrapper(tmp_path / "bin", sys.executable, REPO_ROOT, None)
    return Spin(tmp_path / "bin", tmp_path / "home")


@pytest.fixture
def spin_to_registry(tmp_path: Path, registry: LocalRegistry) -> Spin:
    """The executable, with ECR's host name leading to the gate."""
    mirrors = tmp_path / "mirrors.json"
    mirrors.write_text(json.dumps({ECR_HOST: registry.gate_url}))
    install_wrapper(tmp_path / "bin", sys.executable, REPO_ROOT, mirrors)
    return Spin(tmp_path / "bin", tmp_path / "home")
