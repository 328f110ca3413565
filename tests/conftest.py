"""What every test relies on: Powertools configured as on Lambda, and which tests share a process.

Powertools reads its settings when it is imported, so they are set here, before anything else.
"""

import functools
import os
from pathlib import Path, PurePosixPath

import botocore.loaders
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "BlueFaas"
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"

# Each botocore session reads the services' models anew, and moto wants a new session for each of its accounts.
_read_once = functools.cache(botocore.loaders.JSONFileLoader().load_file)
botocore.loaders.JSONFileLoader.load_file = staticmethod(_read_once)  # type: ignore[method-assign]

_HERE = Path(__file__).parent
_LONGEST_FIRST = (
    *("local", "security/service", "chaos", "security/builder", "local/kubernetes_cluster", "local/functions"),
    *("unit", "unit/deploy", "local/aws", "infra"),
)
"""Folders whose tests take longest start first, so that the last process to end does not wait on one of them alone."""


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """One process a folder: its tests share what takes long to start (a cloud, a cluster, a synthesized template).

    xdist's own groups (``--dist loadgroup``) do nothing under pytest 9.2: xdist 3.8 renames tests to mark them, by an
    attribute that pytest does not read any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return str(PurePosixPath(nodeid.partition("::")[0]).parent)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    """Hook of pytest-xdist."""
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders into the order in which they are to be started."""
    order = {folder: place for place, folder in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.relative_to(_HERE).as_posix(), len(order)))
