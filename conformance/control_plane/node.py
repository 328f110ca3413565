"""The operator, the scheduler and the node of the one-machine cloud, at work on a real control plane."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.kubernetes.controllers.scheduler import Scheduler
from local.kubernetes.controllers.spinapp import SpinAppController
from local.kubernetes.kubelet.agent import Kubelet
from local.kubernetes.kubelet.node import NodePaths
from local.kubernetes.kubelet.registration import register_nodes
from local.kubernetes.machinery.controller import WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.http_api import HttpApi

_SYNC_SECONDS = 30.0


@contextmanager
def running_node(api: HttpApi, folder: Path, mirrors_file: Path, docker_config: Path) -> Iterator[None]:
    """Run them; ``mirrors_file`` says where the registry is, ``docker_config`` has the node's password for it."""
    with ExitStack() as stack:
        register_nodes(api)
        queue = WorkQueue()
        SpinAppController(api, queue, EventRecorder(api, "spinapp-controller"))
        Scheduler(api, queue, EventRecorder(api, "default-scheduler"))
        events = EventRecorder(api, "kubelet")
        kubelet = Kubelet(api, events, NodePaths(folder), mirrors_file=mirrors_file, docker_config=docker_config)
        api.start_informers(_SYNC_SECONDS)
        stack.callback(queue.stop)
        stack.callback(kubelet.stop)
        kubelet.start()
        queue.start()
        yield
