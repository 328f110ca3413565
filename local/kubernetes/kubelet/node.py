"""What all pods of the node share: folders, images, events, times."""

from dataclasses import dataclass, field
from pathlib import Path

from local.kubernetes.kubelet.images import ImageStore
from local.kubernetes.kubelet.logs import LogFolder
from local.kubernetes.kubelet.volumes import VolumeFolder
from local.kubernetes.machinery.api import Api, Informer
from local.kubernetes.machinery.events import EventRecorder

SPIN_HANDLER = "spin"


@dataclass(frozen=True)
class NodePaths:
    """Folders of a node: all under ``root``, but compiled components may be shared with others."""

    root: Path
    compile_cache: Path | None = None

    @property
    def compiled(self) -> Path:
        """Compiled components, shared by all pods."""
        return self.compile_cache or self.root / "compiled"

    @property
    def images(self) -> Path:
        """Content store and layouts of pulled images."""
        return self.root / "images"

    @property
    def volumes(self) -> Path:
        """Key-value data by app."""
        return self.root / "volumes"

    @property
    def logs(self) -> Path:
        """Output of functions."""
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        """Records of running function processes."""
        return self.root / "processes"


@dataclass(frozen=True)
class NodeTimes:
    """Times in seconds; the defaults are Kubernetes'. Tests shorten the back-offs."""

    backoff_first: float = 10.0
    """Pause after a failed pull or a crash; doubles each time."""
    backoff_most: float = 300.0
    backoff_reset: float = 600.0
    """A container that ran this long starts again without a pause."""
    drain_pause: float = 0.2
    """Between a pod's leaving its Service and SIGTERM: routers hear of it meanwhile. The function runtime goes
    on answering after SIGTERM until nothing comes any more."""
    shutdown_grace: float = 5.0
    """For requests in hand when the whole cluster stops."""
    metrics_period: float = 15.0
    config_retry: float = 2.0
    """Between looks for a Secret or ConfigMap that a container names and that is not there."""


@dataclass
class Node:
    """The node's tools, handed to every pod."""

    api: Api
    events: EventRecorder
    paths: NodePaths
    images: ImageStore
    volumes: VolumeFolder
    logs: LogFolder
    runtime_classes: Informer
    times: NodeTimes = field(default_factory=NodeTimes)
    local_ports: tuple[int, ...] = ()
    """Ports of this machine that functions may reach which name them."""
