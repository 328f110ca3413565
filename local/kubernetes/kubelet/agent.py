"""The kubelet: follows the pods of this machine's nodes and runs a `PodWorker` for each.

Its work is waiting (for processes, probes, back-offs), so it lives in an event loop in a thread of its own.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from local.kubernetes.api.errors import ApiError
from local.kubernetes.kubelet.container import Container
from local.kubernetes.kubelet.images import ImageStore
from local.kubernetes.kubelet.leftovers import stop_leftovers
from local.kubernetes.kubelet.logs import LogFolder
from local.kubernetes.kubelet.metrics import Sample, container_usage, pod_metrics, sample
from local.kubernetes.kubelet.node import Node, NodePaths, NodeTimes
from local.kubernetes.kubelet.pod_worker import PodWorker
from local.kubernetes.kubelet.registration import NODE_NAMES
from local.kubernetes.kubelet.volumes import VolumeFolder
from local.kubernetes.machinery.api import Api, object_of
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import controller_of, controller_uid, is_terminating
from local.kubernetes.machinery.resources import DEPLOYMENTS, POD_METRICS, PODS, REPLICA_SETS, RUNTIME_CLASSES, Json

logger = logging.getLogger(__name__)

FIRST_REPORTS_SECONDS = 5.0


class Kubelet:
    """Runs the pods that are assigned to this machine."""

    def __init__(
        self,
        api: Api,
        events: EventRecorder,
        paths: NodePaths,
        *,
        mirrors_file: Path | None = None,
        docker_config: Path | None = None,
        times: NodeTimes | None = None,
        local_ports: tuple[int, ...] = (),
    ) -> None:
        """Set up; nothing runs yet.

        Parameters
        ----------
        api
            Access to the API server.
        events
            Recorder of source ``kubelet``.
        paths
            Folders of everything that is kept on the node.
        mirrors_file
            Registry host to base URL (see `local.oci.mirrors`).
        docker_config
            The node's registry credentials, a Docker ``config.json``; read at every pull.
        times
            Pauses and periods.
        local_ports
            Ports of this machine that functions may reach which name them.
        """
        self._pods = api.informer(PODS)
        self._replica_sets = api.informer(REPLICA_SETS)
        self._deployments = api.informer(DEPLOYMENTS)
        self._node = Node(
            api=api,
            events=events,
            paths=paths,
            images=ImageStore(paths.images, mirrors_file, docker_config),
            volumes=VolumeFolder(paths.volumes),
            logs=LogFolder(paths.logs),
            runtime_classes=api.informer(RUNTIME_CLASSES),
            times=times or NodeTimes(),
            local_ports=local_ports,
        )
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)

    def start(self) -> None:
        """Start working; the informers must have synced.

        Returns once pods of an earlier run no longer claim to be ready.
        """
        for folder in (self._node.paths.root, self._node.paths.compiled):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if count := stop_leftovers(self._node.paths.processes):
            logger.warning("stopped %d function processes that an earlier run had left", count)
        owners = [*self._deployments.items(), *self._replica_sets.items(), *self._pods.items()]
        self._node.volumes.keep_only({obj["metadata"]["uid"] for obj in owners})
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        """Stop all function processes; pods stay in the API."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._up.set()
            self._loop.close()

    async def _main(self) -> None:
        self._pods.add_handler(lambda before, after: self._in_loop(lambda: self._pod_changed(before, after)))
        self._node.runtime_classes.add_handler(lambda *_: self._in_loop(self._runtime_classes_changed))
        for informer in (self._deployments, self._replica_sets):
            informer.add_handler(self._owner_changed)
        await asyncio.sleep(0)  # the handlers' first calls make the workers
        reports = [asyncio.create_task(worker.reported.wait()) for worker in self._workers.values()]
        if reports:
            await asyncio.wait(reports, timeout=FIRST_REPORTS_SECONDS)
        self._up.set()
        measuring = asyncio.create_task(self._measure())
        await self._stopping.wait()
        tasks = [measuring, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    def _in_loop(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the node has stopped
            self._loop.call_soon_threadsafe(call)

    # ---- pods

    def _pod_changed(self, before: Json | None, after: Json | None) -> None:
        pod = object_of(before, after)
        if pod["spec"].get("nodeName") not in NODE_NAMES.values():
            return
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if worker is not None:
            if after is None:
                worker.removed()
            else:
                worker.update(pod)
        elif after is not None and not self._stopping.is_set():
            worker = self._workers[uid] = PodWorker(self._node, pod, self._owner(pod))
            task = self._tasks[uid] = asyncio.get_running_loop().create_task(worker.run())
            task.add_done_callback(lambda done: self._worker_ended(uid, done))

    def _worker_ended(self, uid: str, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return  # the node stops, and still has to end the processes
        self._tasks.pop(uid, None)
        self._workers.pop(uid, None)
        self._node.volumes.owner_deleted(uid)  # a pod without owner had a volume of its own
        if (error := task.exception()) is not None:
            logger.error("pod worker failed", exc_info=error)

    def _runtime_classes_changed(self) -> None:
        for worker in self._workers.values():
            worker.runtime_classes_changed()

    def _owner(self, pod: Json) -> str:
        """Find the uid of what keeps the pod's data: its Deployment; without one its ReplicaSet, or the pod itself."""
        owner = controller_uid(pod)
        if owner is None:
            return str(pod["metadata"]["uid"])
        sets = self._replica_sets.items(pod["metadata"]["namespace"])
        replica_set = next((found for found in sets if found["metadata"]["uid"] == owner), None)
        if replica_set is None and controller_of(pod)["kind"] == REPLICA_SETS.kind:
            # Ask the server: over HTTP the pod's news can be faster than its ReplicaSet's.
            with suppress(ApiError, ConnectionError):
                namespace, name = pod["metadata"]["namespace"], controller_of(pod)["name"]
                replica_set = self._node.api.get(REPLICA_SETS, namespace, name)
        return (controller_uid(replica_set) if replica_set is not None else None) or owner

    def _owner_changed(self, before: Json | None, after: Json | None) -> None:
        if before is not None and after is None:
            uid = before["metadata"]["uid"]
            self._in_loop(lambda: self._node.volumes.owner_deleted(uid))

    # ---- metrics

    async def _measure(self) -> None:
        """Write what every pod used in the last period."""
        before: dict[int, Sample] = {}
        while True:
            await asyncio.sleep(self._node.times.metrics_period)
            now: dict[int, Sample] = {}
            for worker in list(self._workers.values()):
                usage = [entry for container in worker.containers if (entry := _usage(container, before, now))]
                if usage and not is_terminating(worker.pod):
                    self._publish(pod_metrics(worker.pod, usage, self._node.times.metrics_period))
            before = now

    def _publish(self, metrics: Json) -> None:
        namespace, name = metrics["metadata"]["namespace"], metrics["metadata"]["name"]
        try:
            try:
                self._node.api.patch(POD_METRICS, namespace, name, metrics)
            except ApiError as error:
                if error.code != 404:
                    raise
                self._node.api.create(POD_METRICS, namespace, metrics)
        except (ApiError, ConnectionError) as error:
            logger.debug("metrics of pod %s/%s not written: %s", namespace, name, error)


def _usage(container: Container, before: dict[int, Sample], now: dict[int, Sample]) -> Json | None:
    """Measure what a container used since the sample in ``before``; its present sample goes into ``now``."""
    pid = container.process.pid if container.process is not None else None
    taken = sample(pid) if pid is not None else None
    if pid is None or taken is None:
        return None
    now[pid] = taken
    return container_usage(container.name, before[pid], taken) if pid in before else None
