"""One pod's life on the node: sandbox, containers, reports, and an end that drops no request."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError
from local.kubernetes.kubelet.container import Container
from local.kubernetes.kubelet.node import SPIN_HANDLER, Node
from local.kubernetes.kubelet.pod_status import pod_status
from local.kubernetes.machinery.meta import is_terminating
from local.kubernetes.machinery.resources import PODS, Json
from local.kubernetes.ports import LISTENING_ANNOTATION, listening_value

logger = logging.getLogger(__name__)

SANDBOX_RETRY_SECONDS = 15.0
RETRY_SECONDS = 1.0
"""After a write that the API server did not take."""


class PodWorker:
    """Runs one pod; `run` ends when the pod is gone from the node (and from the API)."""

    def __init__(self, node: Node, pod: Json, owner_uid: str) -> None:
        self._node = node
        self._pod = pod
        self._owner = owner_uid
        self.uid: str = pod["metadata"]["uid"]
        self._namespace: str = pod["metadata"]["namespace"]
        self._name: str = pod["metadata"]["name"]
        volume = node.volumes.take(owner_uid)
        self.containers = [Container(node, pod, spec, volume, self._changed) for spec in pod["spec"]["containers"]]
        self._started = (pod.get("status") or {}).get("startTime") or timestamp()
        self._written: Json = pod.get("status") or {}
        self._annotation = (pod["metadata"].get("annotations") or {}).get(LISTENING_ANNOTATION)
        self._dirty = asyncio.Event()
        self._deleted = asyncio.Event()
        self._classes_changed = asyncio.Event()
        self.reported = asyncio.Event()
        """Set once what the pod said before this kubelet came is corrected."""
        self._removed = False
        if is_terminating(pod):
            self._deleted.set()

    @property
    def pod(self) -> Json:
        """The pod as last heard of."""
        return self._pod

    def update(self, pod: Json) -> None:
        """Take note that the pod's object has changed."""
        self._pod = pod
        if is_terminating(pod):
            self._deleted.set()

    def removed(self) -> None:
        """Take note that the pod's object is gone (deleted without a grace period): nothing is left to report to."""
        self._removed = True
        self._deleted.set()

    def runtime_classes_changed(self) -> None:
        """Take note that a RuntimeClass came or went: a pod that waits for one tries again."""
        self._classes_changed.set()

    async def run(self) -> None:
        """Live the pod's life to its end."""
        tasks = [asyncio.create_task(self._guarded(part)) for part in (self._live, self._report)]
        try:
            await self._deleted.wait()  # a pod that has ended by itself stays until it is deleted
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._terminate()

    async def _guarded(self, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await part()  # called here: one that is cancelled before it begins is never made
        except Exception:
            logger.exception("pod %s/%s: the kubelet failed", self._namespace, self._name)

    async def stop(self) -> None:
        """End the processes, as the node goes down, and leave the pod's object alone."""
        await asyncio.gather(*(container.stop(self._node.times.shutdown_grace) for container in self.containers))

    def _changed(self) -> None:
        self._dirty.set()

    # ---- life

    async def _live(self) -> None:
        self._changed()
        await self._sandbox()
        await asyncio.gather(*(container.run() for container in self.containers))

    async def _sandbox(self) -> None:
        """Wait until the pod's runtime is there; the pod stays in ContainerCreating meanwhile."""
        while (problem := self._runtime_problem()) is not None:
            message = f"Failed to create pod sandbox: failed to get sandbox runtime: {problem}"
            self._node.events.event(self._pod, "Warning", "FailedCreatePodSandBox", message)
            self._classes_changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SANDBOX_RETRY_SECONDS):
                    await self._classes_changed.wait()

    def _runtime_problem(self) -> str | None:
        name = self._pod["spec"].get("runtimeClassName")
        if not name:
            return 'no runtime for "runc" is configured: this node runs Spin applications only'
        runtime_class = self._node.runtime_classes.get("", name)
        if runtime_class is None:
            return f'no runtime for "{name}" is configured: there is no RuntimeClass of that name'
        handler = runtime_class["handler"]
        return None if handler == SPIN_HANDLER else f'no runtime for "{handler}" is configured'

    # ---- reports

    async def _report(self) -> None:
        """Write the status whenever it changed; a burst of changes is one write."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                self._write()
                self.reported.set()
            except (ApiError, ConnectionError) as error:
                if isinstance(error, ApiError) and error.code == 404:
                    return  # the news of the deletion is on its way
                self._dirty.set()
                await asyncio.sleep(RETRY_SECONDS)

    def _write(self) -> None:
        annotation = self._listening()
        states = [container.state for container in self.containers]
        status = pod_status(self._pod, states, self._started, self._written.get("conditions") or [])
        if annotation != self._annotation:
            # Before the status: who sees the pod ready must find its port.
            body = {"metadata": {"annotations": {LISTENING_ANNOTATION: annotation}}}
            self._node.api.patch(PODS, self._namespace, self._name, body)
            self._annotation = annotation
        if any(self._written.get(field) != value for field, value in status.items()):
            self._node.api.patch(PODS, self._namespace, self._name, {"status": status}, "status")
            self._written = status

    def _listening(self) -> str | None:
        ports = {
            port.get("name") or str(port["containerPort"]): container.state.port
            for container, spec in zip(self.containers, self._pod["spec"]["containers"], strict=True)
            for port in spec.get("ports") or []
            if container.state.port is not None
        }
        return (
            listening_value({name: number for name, number in ports.items() if number is not None}) if ports else None
        )

    # ---- end

    async def _terminate(self) -> None:
        """Take the pod off: routers hear first, requests in hand are answered, then the object goes."""
        running = [container for container in self.containers if container.process is not None]
        for container in running:
            container.event("Normal", "Killing", f"Stopping container {container.name}")
        if not self._removed and any(container.state.ready for container in running):
            await asyncio.sleep(self._node.times.drain_pause)
        grace = self._grace()
        await asyncio.gather(*(container.stop(grace) for container in running))
        self._node.volumes.give_back(self._owner)
        self._node.logs.remove(self._namespace, self._name, self.uid)
        while not self._removed:
            try:
                self._node.api.delete(PODS, self._namespace, self._name, uid=self.uid, grace_seconds=0)
                return
            except (ApiError, ConnectionError) as error:
                if isinstance(error, ApiError) and error.code in (404, 409):
                    return
            await asyncio.sleep(RETRY_SECONDS)

    def _grace(self) -> float:
        if self._removed:
            return 1.0
        seconds = self._pod["metadata"].get("deletionGracePeriodSeconds")
        if seconds is None:
            seconds = self._pod["spec"].get("terminationGracePeriodSeconds", 30)
        return max(float(seconds), 1.0)
