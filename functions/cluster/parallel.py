"""Asking the cluster several things at the same time: the answer takes as long as the slowest, not as all of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(*calls: Callable[[], T]) -> list[T]:
    """The results of ``calls``, in their order. Only for reads: when one raises, the others have been made too."""
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
