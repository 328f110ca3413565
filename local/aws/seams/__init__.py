"""Where the parts written here are joined to ministack.

Each module replaces a few names of one ministack module; `install` does them all. ministack promises none of those
names, so its version is pinned and checked before any of them is loaded, and every seam has a test.
"""

from importlib import metadata
from typing import Final

MINISTACK_VERSION: Final = "1.5.33"


class MinistackVersionError(Exception):
    """Another ministack is installed than the one the seams were made for."""


def check_version(installed: str | None = None) -> None:
    """Raise `MinistackVersionError` unless ``installed`` (by default: what is installed) is the pinned version."""
    if installed is None:
        installed = metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise MinistackVersionError(
            f"ministack {installed} is installed, the one-machine cloud needs {MINISTACK_VERSION}: "
            f"pip install ministack=={MINISTACK_VERSION}, or check every module of local/aws/seams and raise the pin"
        )
