"""The whole cluster in one process: API server, seed, controllers, kubelet, in that order; and back."""

import base64
import secrets
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial

from local.kubernetes.api import (
    EksTokenAuthenticator,
    ServerThread,
    StaticTokenAuthenticator,
    Store,
    User,
    create_app,
)
from local.kubernetes.api.authentication import Authenticator
from local.kubernetes.certificates import make_certificate
from local.kubernetes.config import ClusterConfig
from local.kubernetes.controllers.autoscaler import HorizontalPodAutoscalerController
from local.kubernetes.controllers.deployment import DeploymentController
from local.kubernetes.controllers.replicaset import ReplicaSetController
from local.kubernetes.controllers.scheduler import Scheduler
from local.kubernetes.controllers.spinapp import SpinAppController
from local.kubernetes.kubeconfig import write_kubeconfig
from local.kubernetes.kubelet.agent import Kubelet
from local.kubernetes.kubelet.logs import LogFolder
from local.kubernetes.kubelet.node import NodePaths
from local.kubernetes.kubelet.pod_logs import read_pod_log
from local.kubernetes.kubelet.registration import register_nodes
from local.kubernetes.machinery.controller import WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.store_api import StoreApi
from local.kubernetes.persistence import Persistence
from local.kubernetes.seed import seed

MASTERS = "system:masters"


class Cluster:
    """A running cluster; a context manager. Nothing of it outlives `stop`, but its state folder."""

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self.endpoint = ""
        self.ca_pem = b""
        self._stack = ExitStack()

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; returns when the cluster takes requests.

        Raises
        ------
        OSError
            The port is taken or the state folder cannot be written.
        ValueError
            A manifest of the seed is not understood.
        """
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Stop everything, function processes first."""
        self._stack.close()

    def ready_info(self) -> dict[str, str]:
        """Return what others need: ``endpoint``, ``ca_data`` (base64 of PEM), the path of the ``kubeconfig``."""
        return {
            "endpoint": self.endpoint,
            "ca_data": base64.b64encode(self.ca_pem).decode(),
            "kubeconfig": str(self.config.kubeconfig),
        }

    def _start(self, stack: ExitStack) -> None:
        config = self.config
        config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        config.state_dir.chmod(0o700)  # keys, tokens, Secrets and native code are in it
        store = Store()
        state = Persistence(store, config.state_dir / "cluster.db")
        state.load()
        admin_token = secrets.token_urlsafe(32)
        certificate = make_certificate(config.state_dir / "tls", "127.0.0.1", "localhost", "::1")
        paths = NodePaths(config.state_dir / "node", config.compile_cache)
        app = create_app(
            store,
            authenticators=self._authenticators(admin_token),
            rbac=True,
            logs=partial(read_pod_log, LogFolder(paths.logs)),
            before_answer=state.written,
        )
        api = StoreApi(app.state.objects)
        seed(api, config.seed)
        register_nodes(api)
        server = ServerThread(app, port=config.port, cert_file=certificate.certificate, key_file=certificate.key)
        server.start()
        stack.callback(server.stop)
        state.start()
        stack.callback(state.stop)
        self.endpoint, self.ca_pem = server.url, certificate.ca_pem
        write_kubeconfig(
            config.kubeconfig,
            cluster=config.cluster_name,
            url=server.url,
            ca_pem=certificate.ca_pem,
            token=admin_token,
        )
        self._start_controllers(stack, api, paths)

    def _start_controllers(self, stack: ExitStack, api: StoreApi, paths: NodePaths) -> None:
        config, queue = self.config, WorkQueue()
        operations = EventRecorder(api, "kube-controller-manager")
        # Each puts what its handlers hear of into the queue.
        SpinAppController(api, queue, EventRecorder(api, "spinapp-controller"))
        DeploymentController(api, queue, operations)
        ReplicaSetController(api, queue, operations)
        Scheduler(api, queue, EventRecorder(api, "default-scheduler"))
        HorizontalPodAutoscalerController(
            api,
            queue,
            operations,
            sync_seconds=config.autoscaler_sync_seconds,
            downscale_seconds=config.autoscaler_downscale_seconds,
        )
        kubelet = Kubelet(
            api,
            EventRecorder(api, "kubelet", "local"),
            paths,
            mirrors_file=config.mirrors_file,
            docker_config=config.docker_config,
            times=config.times,
            local_ports=config.local_ports,
        )
        stack.callback(queue.stop)
        stack.callback(kubelet.stop)
        kubelet.start()
        queue.start()

    def _authenticators(self, admin_token: str) -> list[Authenticator]:
        administrator = User("kubernetes-admin", (MASTERS,))
        authenticators: list[Authenticator] = [StaticTokenAuthenticator({admin_token: administrator})]
        if self.config.sts_endpoint:
            authenticators.append(
                EksTokenAuthenticator(self.config.cluster_name, self.config.sts_endpoint, self._mapped_user)
            )
        return authenticators

    def _mapped_user(self, arn: str) -> User | None:
        groups = tuple(entry.group for entry in self.config.access_entries if fnmatchcase(arn, entry.arn_pattern))
        return User(arn, groups) if groups else None
