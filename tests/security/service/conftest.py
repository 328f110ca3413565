"""A cloud of this folder's own: what is sent to it should disturb nobody else."""

from tests.local.conftest import cloud, counter, counter_task, hello, running_cloud

__all__ = ["cloud", "counter", "counter_task", "hello", "running_cloud"]
