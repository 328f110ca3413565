"""Settings of the deploy function, which the stack passes as environment variables."""

from typing import Self

from pydantic import Field, Json, model_validator

from functions.models.exposure import ExposeSettings
from functions.tenancy.settings import TenancySettings, WaitingSettings


class DeploySettings(TenancySettings, WaitingSettings):
    """What a deploy needs; a name that begins with ``kubernetes`` is a setting of that section of cdk.json."""

    aws_region: str = Field(min_length=1)
    """Set by Lambda itself."""
    kubernetes_cluster_name: str = Field(min_length=1)
    """Name of the EKS cluster that functions are deployed to."""
    kubernetes_executor_spot: str
    """SpinAppExecutor whose RuntimeClass prefers spot capacity (`use_spot` true)."""
    kubernetes_executor_on_demand: str
    """SpinAppExecutor whose RuntimeClass asks for on-demand capacity (`use_spot` false)."""
    kubernetes_min_replicas: int = Field(ge=1)
    kubernetes_max_replicas: int = Field(ge=1)
    kubernetes_target_cpu: int = Field(ge=1)
    """Average CPU use that the autoscaler aims for, in percent of the CPU request."""
    kubernetes_default_replicas: int = Field(ge=1)
    """Replicas of an app with autoscaling off, if neither the request nor the app names a number."""
    kubernetes_expose: Json[ExposeSettings] | None = None
    """How apps are reached from outside, as JSON; absent where they are not."""
    kubernetes_default_cpu_request: str
    kubernetes_default_memory_request: str
    kubernetes_require_signature: bool
    """Whether images of the stack's own repository are deployed with a signature by `signing_key_arn` only."""
    signing_key_arn: str
    """ARN of the KMS key that signs images (`functions.tasks.signer`)."""
    registry_allow_list: Json[tuple[str, ...]]
    """Patterns of registries that images may come from (`functions.tenancy.registries`), as a JSON array."""
    default_image_repository: str
    """The stack's own repository, which is always allowed."""
    expiring_repository: str = ""
    """``host/repository`` that expires images unless they are marked as deployed; empty if there is none."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.kubernetes_min_replicas > self.kubernetes_max_replicas:
            raise ValueError("KUBERNETES_MIN_REPLICAS must not be over KUBERNETES_MAX_REPLICAS")
        return self

    def default_bounds(self) -> dict[str, int]:
        """Return the bounds of a new autoscaler, by the request's names for them."""
        return {
            "min_replicas": self.kubernetes_min_replicas,
            "max_replicas": self.kubernetes_max_replicas,
            "target_cpu": self.kubernetes_target_cpu,
        }
