"""How a cluster is set up, and the command line that says so."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from local.kubernetes.kubelet.node import NodeTimes
from local.kubernetes.seed import CLUSTER_MANIFESTS, SeedOptions
from local.spin_host import local_ports

DEFAULT_ACCESS_ENTRY = "arn:aws:*::123456789012:*=blue-faas-deployer"


@dataclass(frozen=True)
class AccessEntry:
    """Which callers are in which Kubernetes group, as an EKS access entry says it."""

    arn_pattern: str
    """Shell pattern for the ARN that STS gives for the caller."""
    group: str

    @classmethod
    def parse(cls, text: str) -> "AccessEntry":
        """Read ``ARN_PATTERN=GROUP``."""
        pattern, equals, group = text.rpartition("=")
        if not (pattern and equals and group):
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form ARN_PATTERN=GROUP")
        return cls(pattern, group)


@dataclass(frozen=True)
class ClusterConfig:
    """Everything that a cluster needs to know."""

    state_dir: Path
    """Folder of all that is kept: state, images, volumes, logs, kubeconfig. Made with mode 0700."""
    port: int = 0
    cluster_name: str = "blue-faas"
    mirrors_file: Path | None = None
    """Registry host to base URL (see `local.oci.mirrors`)."""
    docker_config: Path | None = None
    """The node's registry credentials: a Docker ``config.json``."""
    compile_cache: Path | None = None
    """Folder of compiled components, for a builder to fill beforehand; None: one under the state folder."""
    sts_endpoint: str | None = None
    """Where EKS tokens are checked; None: only the kubeconfig's token opens the cluster."""
    access_entries: tuple[AccessEntry, ...] = ()
    seed: SeedOptions = field(default_factory=SeedOptions)
    times: NodeTimes = field(default_factory=NodeTimes)
    local_ports: tuple[int, ...] = ()
    """Ports of this machine that functions may reach which name them in their ``allowed_outbound_hosts``."""
    autoscaler_sync_seconds: float = 15.0
    autoscaler_downscale_seconds: float = 60.0

    @property
    def kubeconfig(self) -> Path:
        """Where the admin's kubeconfig is written."""
        return self.state_dir / "kubeconfig"


@dataclass(frozen=True)
class CommandLine:
    """The parsed command line."""

    config: ClusterConfig
    ready_file: Path | None
    verbose: bool


def parse_arguments(arguments: list[str] | None = None) -> CommandLine:
    """Read the command line of ``python -m local.kubernetes``; ends the process with status 2 if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m local.kubernetes",
        description="A Kubernetes cluster of one machine for SpinApps: API server, controllers, kubelet.",
    )
    parser.add_argument("--state-dir", type=Path, required=True, help="folder of everything that is kept")
    parser.add_argument("--port", type=int, default=0, help="port of the API on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--mirrors", type=Path, help="JSON file: registry host to base URL")
    parser.add_argument("--docker-config", type=Path, help="Docker config.json with the node's registry credentials")
    parser.add_argument("--compile-cache", type=Path, help="folder of compiled components, filled by builders too")
    parser.add_argument("--sts-endpoint", help="AWS endpoint that checks EKS tokens")
    parser.add_argument("--cluster-name", default="blue-faas", help="name that EKS tokens are signed for")
    parser.add_argument(
        "--access-entry",
        type=AccessEntry.parse,
        action="append",
        metavar="ARN_PATTERN=GROUP",
        help=f"Kubernetes group of AWS callers; may be repeated (default: {DEFAULT_ACCESS_ENTRY})",
    )
    parser.add_argument(
        "--manifests",
        type=Path,
        default=CLUSTER_MANIFESTS,
        help="folder with the kustomizations base and tenant, applied at start (default: cluster/ of the repository)",
    )
    parser.add_argument(
        "--tenant",
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="open this namespace to functions too; may be repeated (always: default)",
    )
    local_ports.add_option(parser)
    parser.add_argument("--ready-file", type=Path, help="JSON written once the cluster takes requests")
    parser.add_argument("--verbose", action="store_true", help="log what is retried")
    options = parser.parse_args(arguments)
    if not options.manifests.is_dir():
        parser.error(f"--manifests: {options.manifests} is not a folder")
    config = ClusterConfig(
        state_dir=options.state_dir.resolve(),
        port=options.port,
        cluster_name=options.cluster_name,
        mirrors_file=options.mirrors,
        docker_config=options.docker_config,
        compile_cache=options.compile_cache and options.compile_cache.resolve(),
        sts_endpoint=options.sts_endpoint,
        access_entries=tuple(options.access_entry or [AccessEntry.parse(DEFAULT_ACCESS_ENTRY)]),
        local_ports=tuple(options.local_port),
        seed=SeedOptions(
            manifests=options.manifests,
            tenants=tuple(dict.fromkeys(["default", *options.tenant])),
            measured=True,
            exposed_by="Ingress",
        ),
    )
    return CommandLine(config, options.ready_file, options.verbose)
