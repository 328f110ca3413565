"""What the front is told, in a JSON file that the supervisor writes when the other parts are up."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

EXPOSED_DOMAIN: Final = "localhost"
"""Below it are the hosts of apps that are exposed: every name below localhost is this machine (RFC 6761)."""


class FrontConfig(BaseModel):
    """Addresses of the parts behind the front."""

    model_config = ConfigDict(frozen=True)

    aws_endpoint: str
    api_id: str
    account: str
    region: str
    cluster_name: str
    credentials_file: Path
    """The run's `local.aws.credentials.RunCredentials`."""
    kubeconfig: Path | None = None
    """Of the cluster that functions run on; None when there is none."""
    issuer_key: Path | None = None
    """Private key of the local issuer of tokens, when there is one."""
    real_cluster: bool = False
