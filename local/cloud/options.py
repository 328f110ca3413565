"""How a one-machine cloud is started."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class CloudOptions:
    """How a cloud is started."""

    port: int = 8000
    """Of the front; 0 takes a free one."""
    state_dir: Path | None = None
    """Folder that keeps the cloud from one run to the next; None makes one that is removed at the end."""
    concurrent_builds: int = 2
    builder_environment: dict[str, str] = field(default_factory=dict)
    """More environment variables for builds (limits, for tests)."""
    aws: str = "local.aws"
    """Module that serves the AWS APIs; tests have one that lets requests fail."""
    compile_cache: Path | None = None
    """Folder of compiled components that outlives the cloud; None: one of its own."""
    authorizer: str = "none"
    """Who may call the API: one of `local.cloud.assembly.AUTHORIZERS`."""
    tenancy: str = "open"
    """Whether workspaces are kept apart: one of `local.cloud.assembly.TENANCIES`."""
    cluster: bool | None = None
    """Whether there is one to deploy to; None: as cdk.json says."""
    local_ports: tuple[int, ...] = ()
    """Ports of this machine that functions may reach which name them in their ``allowed_outbound_hosts``."""
    kubeconfig: Path | None = None
    """Of a real cluster that takes the place of the built-in one."""
    say: Callable[[str], None] = lambda _: None
