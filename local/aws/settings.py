"""What the AWS half of the one-machine cloud is told at start: parsed by ``__main__``, read by everything else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_REGION: Final = "ap-northeast-2"
OPERATOR: Final = "operator"
"""Name of the IAM user that may do everything, as whoever runs ``cdk deploy`` on AWS."""
DEFAULT_ACCOUNT: Final = "123456789012"
DEFAULT_CLUSTER: Final = "blue-faas-local"
DEFAULT_CONCURRENT_BUILDS: Final = 2


class SettingsError(Exception):
    """A setting that cannot be used; the message says which and what to do about it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One AWS account in one region on 127.0.0.1.

    ``codebuild_env_file`` and ``kubernetes_file`` are read when they are needed, not at start: other processes of
    the one-machine cloud may write them later.
    """

    port: int
    state_dir: Path
    codebuild_path: str
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    cluster_name: str = DEFAULT_CLUSTER
    codebuild_env_file: Path | None = None
    kubernetes_file: Path | None = None
    concurrent_builds: int = DEFAULT_CONCURRENT_BUILDS
    keep_state: bool = False
    decisions_file: Path | None = None
    keeps_every_decision: bool = False
    issuer_address: str | None = None
    """URL below which the front serves what the local issuer of tokens publishes."""

    @property
    def endpoint(self) -> str:
        """URL of every AWS API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials_file(self) -> Path:
        """Where this account's `local.aws.credentials.RunCredentials` are; made when there is none."""
        return self.state_dir / "credentials.json"

    @property
    def builds_dir(self) -> Path:
        """Parent of the builds' work folders."""
        return self.state_dir / "codebuild"

    def codebuild_env(self) -> dict[str, str]:
        """Extra environment variables of every build on this machine (name to value)."""
        if self.codebuild_env_file is None:
            return {}
        content = read_json_object(self.codebuild_env_file)
        return {str(name): str(value) for name, value in content.items()}


def read_json_object(path: Path) -> dict[str, object]:
    """Read a JSON object from ``path``. Raises `SettingsError` when there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; it must hold a JSON object") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a JSON object, not {type(content).__name__}")
    return content
