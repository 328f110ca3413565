"""The operator, the scheduler and the node of the one-machine cloud, at work on a real control plane."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.kubernetes.controllers.scheduler import Scheduler
from local.kubernetes.controllers.spinapp import SpinAppController
from local.kubernetes.kubelet.agent import Kubelet
from local.kubernetes.kubelet.registration import register_nodes
from local.kubernetes.machinery.api import KubernetesApi
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.informer import InformerSet

_SYNC_SECONDS = 30.0


@contextmanager
def running_node(api: KubernetesApi, folder: Path, mirrors_file: Path, docker_config: Path) -> Iterator[None]:
    """Run them; ``mirrors_file`` says where the registry is, ``docker_config`` has the node's password for it."""
    with ExitStack() as stack:

        def recorder(component: str) -> EventRecorder:
            events = EventRecorder(api, component)
            stack.callback(events.stop)
            return events

        register_nodes(api)
        informers = InformerSet(api)
        controllers = [
            SpinAppController(api, informers, recorder("spinapp-controller")),
            Scheduler(api, informers, recorder("default-scheduler")),
        ]
        kubelet = Kubelet(
            api, informers, recorder("kubelet"), folder, mirrors_file=mirrors_file, docker_config=docker_config
        )
        informers.start()
        stack.callback(informers.stop)
        informers.wait_synced(_SYNC_SECONDS)
        for controller in controllers:
            stack.callback(controller.stop)
        stack.callback(kubelet.stop)
        kubelet.start()
        for controller in controllers:
            controller.start()
        yield
