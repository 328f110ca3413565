"""What every test relies on: Powertools configured as on Lambda, and which tests share a process.

Powertools reads its settings when it is imported, so they are set here, before anything else.
"""

import os
from pathlib import Path

import pytest

os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "BlueFaas"
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"

_HERE = Path(__file__).parent
_LONGEST_FIRST = ("local", "local/kubernetes_cluster", "local/functions", "security/builder", "local/aws", "infra")
"""Folders whose tests take longest start first, so that the last process to end does not wait on one of them alone."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process a folder: its tests share what takes long to start (a cloud, a cluster, a synthesized template)."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_folder(item)))
    order = {folder: place for place, folder in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(_folder(item), len(order)))


def _folder(item: pytest.Item) -> str:
    return item.path.parent.relative_to(_HERE).as_posix()
