"""One container's life: image, configuration, process, probes, and again after a crash."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from local.cloud.command_line import options
from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError
from local.kubernetes.kubelet import probes
from local.kubernetes.kubelet.environment import ContainerConfigError, container_environment
from local.kubernetes.kubelet.images import AppImage, PullError, UnusableImageError
from local.kubernetes.kubelet.node import Node
from local.kubernetes.kubelet.pod_status import ContainerState, running, terminated, waiting
from local.kubernetes.kubelet.process import FunctionProcess, host_environment
from local.kubernetes.machinery.meta import quantity, seconds_since
from local.kubernetes.machinery.resources import SECRETS, Json

STARTED_WITHOUT_PORT_SECONDS = 1.0
"""A process that does not listen after this long is reported as running, not ready."""
ERR_IMAGE_PULL_SECONDS = 1.0
"""How long a failed pull is reported as ErrImagePull before it is ImagePullBackOff, as between a kubelet's syncs."""
DEFAULT_MEMORY_MB = 256


class Container:
    """Runs one container of a pod until it is cancelled; `state` is what the pod reports about it."""

    def __init__(self, node: Node, pod: Json, spec: Json, volume: Path, changed: Callable[[], None]) -> None:
        self._node = node
        self._pod = pod
        self._spec = spec
        self._volume = volume
        self._changed = changed
        self.state = _initial_state(pod, spec)
        self.process: FunctionProcess | None = None
        self._pause = node.times.backoff_first
        self._crashed = False

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self._spec["name"])

    async def run(self) -> None:
        """Start, watch, start again: pods of Deployments always do."""
        while True:
            await self._run_once(await self._image(), await self._environment())
            await self._back_off()
            self.state.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            await self.process.stop(grace_seconds)

    def event(self, kind: Any, reason: str, message: str) -> None:
        """Record an event about this container."""
        self._node.events.event(self._pod, kind, reason, message, f"spec.containers{{{self.name}}}")

    def _set(self, state: Json, *, ready: bool = False) -> None:
        if (state, ready) != (self.state.state, self.state.ready):
            self.state.state, self.state.ready = state, ready
            self._changed()

    # ---- before the start

    async def _image(self) -> AppImage:
        """Pull the image, again with growing pauses until the registry hands it out."""
        reference, always = self._spec["image"], self._spec.get("imagePullPolicy") == "Always"
        pause = self._node.times.backoff_first
        while True:
            here = not always and self._node.images.present(reference)
            if here:
                self.event("Normal", "Pulled", f'Container image "{reference}" already present on machine')
            else:
                self.event("Normal", "Pulling", f'Pulling image "{reference}"')
            began = asyncio.get_running_loop().time()
            try:
                image = await self._node.images.ensure(reference, pull_always=always, secrets=self._pull_secrets())
            except PullError as error:
                await self._not_pulled(f'failed to pull and unpack image "{reference}": {error}', pause)
            except UnusableImageError as error:
                self._failed_start(f"failed to create containerd task: {error}")
            else:
                if not here:
                    took = f"{asyncio.get_running_loop().time() - began:.3f}s. Image size: {image.size} bytes."
                    self.event("Normal", "Pulled", f'Successfully pulled image "{reference}" in {took}')
                self.state.image_id = f"{reference.partition('@')[0].rpartition(':')[0] or reference}@{image.digest}"
                return image
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._node.times.backoff_most)

    async def _not_pulled(self, reason: str, pause: float) -> None:
        reference = self._spec["image"]
        self.event("Warning", "Failed", f'Failed to pull image "{reference}": {reason}')
        self.event("Warning", "Failed", "Error: ErrImagePull")
        self._set(waiting("ErrImagePull", reason))
        await asyncio.sleep(min(ERR_IMAGE_PULL_SECONDS, pause))
        self.event("Normal", "BackOff", f'Back-off pulling image "{reference}"')
        self.event("Warning", "Failed", "Error: ImagePullBackOff")
        self._set(waiting("ImagePullBackOff", f'Back-off pulling image "{reference}": ErrImagePull: {reason}'))

    def _pull_secrets(self) -> list[Mapping[str, Any]]:
        """Docker config documents of the pod's imagePullSecrets; a missing one is passed over, as kubelet does."""
        documents: list[Mapping[str, Any]] = []
        for reference in self._pod["spec"].get("imagePullSecrets") or []:
            try:
                secret = self._node.api.get(SECRETS, self._pod["metadata"]["namespace"], reference["name"])
                documents.append(json.loads(b64decode(secret["data"][".dockerconfigjson"])))
            except (ApiError, KeyError, ValueError):
                text = (
                    f"Unable to retrieve some image pull secrets ({reference['name']}); "
                    "attempting to pull the image may not succeed."
                )
                self._node.events.event(self._pod, "Warning", "FailedToRetrieveImagePullSecret", text)
        return documents

    async def _environment(self) -> dict[str, str]:
        """Make the environment, again until everything that it names exists."""
        while True:
            try:
                return container_environment(self._node.api, self._pod, self._spec)
            except ContainerConfigError as error:
                self.event("Warning", "Failed", f"Error: {error}")
                self._set(waiting("CreateContainerConfigError", str(error)))
            await asyncio.sleep(self._node.times.config_retry)

    # ---- running

    async def _run_once(self, image: AppImage, environment: dict[str, str]) -> None:
        """Start the process and watch it until it ends."""
        meta = self._pod["metadata"]
        log = self._node.logs.open(meta["namespace"], meta["name"], meta["uid"], self.name, self.state.restarts)
        record = self._node.paths.processes / f"{meta['uid']}-{self.name}.json"
        self.event("Normal", "Created", f"Created container: {self.name}")
        try:
            await self._start(FunctionProcess.start(self._arguments(image), host_environment(environment), log, record))
        except OSError as error:
            log.close()
            self._failed_start(f"failed to create containerd task: {error}")
            return
        self.event("Normal", "Started", f"Started container {self.name}")
        process, started = self.process, timestamp()
        assert process is not None  # noqa: S101  (just set)
        self.state.container_id = f"containerd://{meta['uid']}-{self.state.restarts}"
        await process.wait_started(STARTED_WITHOUT_PORT_SECONDS)
        # Cancelled here when the pod is deleted: its worker then stops the process, requests in hand included.
        code = process.exited.result() if process.exited.done() else await self._watch(process, started)
        self.process = None
        self.state.port = None
        self.state.last_state = terminated(code, started, self.state.container_id)
        self._crashed = True
        if seconds_since(started) >= self._node.times.backoff_reset:
            self._pause = self._node.times.backoff_first
            self._crashed = False
        self._set(self.state.last_state)

    async def _start(self, start: Coroutine[Any, Any, FunctionProcess]) -> None:
        """Start the process; a cancellation meanwhile must not lose sight of it."""
        task = asyncio.create_task(start)
        try:
            self.process = await asyncio.shield(task)
        except asyncio.CancelledError:
            self.process = await task
            raise

    async def _watch(self, process: FunctionProcess, started: str) -> int:
        """Report readiness and check liveness until the process has ended; returns its exit code."""
        readiness = self._spec.get("readinessProbe")
        liveness = self._spec.get("livenessProbe")
        tasks: list[asyncio.Task[None]] = []
        try:
            if not process.listening.done():
                self._set(running(started))
                await process.wait_started()
            if process.exited.done():
                return process.exited.result()
            port = self.state.port = process.listening.result()
            if readiness:
                self._set(running(started))
                changed = partial(self._readiness, started)
                failed = partial(self._unhealthy, "Readiness")
                tasks.append(asyncio.create_task(probes.watch_readiness(readiness, port, changed, failed)))
            else:
                self._set(running(started), ready=True)
            if liveness:
                failed = partial(self._unhealthy, "Liveness")
                alive = asyncio.create_task(probes.watch_liveness(liveness, port, failed))
                tasks.append(alive)
                await asyncio.wait({alive, process.exited}, return_when=asyncio.FIRST_COMPLETED)
                if not process.exited.done():
                    text = f"Container {self.name} failed liveness probe, will be restarted"
                    self.event("Normal", "Killing", text)
                    self._set(running(started))
                    return await process.stop(float(self._pod["spec"].get("terminationGracePeriodSeconds", 30)))
            return await asyncio.shield(process.exited)
        finally:
            await probes.cancel(*tasks)

    def _readiness(self, started: str, ready: bool) -> None:
        self._set(running(started), ready=ready)

    def _unhealthy(self, which: str, reason: str) -> None:
        self.event("Warning", "Unhealthy", f"{which} probe failed: {reason}")

    def _arguments(self, image: AppImage) -> list[str]:
        limits = (self._spec.get("resources") or {}).get("limits") or {}
        memory = max(1, int(quantity(limits["memory"])) >> 20) if limits.get("memory") else DEFAULT_MEMORY_MB
        return options(
            app=image.folder,
            port=0,
            state_dir=self._volume,
            cache_dir=self._node.paths.compiled,
            max_memory_mb=memory,
            grace=float(self._pod["spec"].get("terminationGracePeriodSeconds") or 30),
            local_port=self._node.local_ports,
        )

    # ---- after the end

    def _failed_start(self, message: str) -> None:
        """Record that the runtime refused to start the container: kubelet reports an exit with code 128."""
        self.event("Warning", "Failed", f"Error: {message}")
        never = "1970-01-01T00:00:00Z"
        self.state.last_state = terminated(128, never, self.state.container_id, "StartError", message)
        self._set(waiting("RunContainerError", message))

    async def _back_off(self) -> None:
        """Wait before a restart: not after the first crash, then 10 s, 20 s and so on up to 5 minutes."""
        if self.state.restarts == 0 or not self._crashed:
            return
        meta = self._pod["metadata"]
        where = f"{self.name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
        self.event("Warning", "BackOff", f"Back-off restarting failed container {where}")
        pod = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        message = f"back-off {_go_duration(self._pause)} restarting failed container={self.name} pod={pod}"
        self._set(waiting("CrashLoopBackOff", message))
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, self._node.times.backoff_most)


def _initial_state(pod: Json, spec: Json) -> ContainerState:
    """Tell a container's state as the kubelet finds it: one that an earlier kubelet ran counts as restarted."""
    state = ContainerState(name=spec["name"], image=spec["image"])
    old = next((s for s in pod.get("status", {}).get("containerStatuses") or [] if s["name"] == spec["name"]), None)
    if old is None or not old.get("containerID"):
        return state
    state.restarts = int(old.get("restartCount") or 0) + 1
    started = (old.get("state", {}).get("running") or {}).get("startedAt", timestamp())
    message = "The cluster was stopped while the container ran."
    state.last_state = terminated(137, started, old["containerID"], "ContainerStatusUnknown", message)
    return state


def _go_duration(seconds: float) -> str:
    """``10s``, ``1m20s``, ``5m0s``: as Kubernetes prints durations."""
    whole = round(seconds) if seconds >= 1 else 0
    if not whole:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
