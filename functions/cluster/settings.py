"""Settings of the deploy function, which the stack passes as environment variables."""

import functools
import json
import os
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DeploySettings(BaseModel):
    """Typed view of the environment. A missing or invalid variable raises an error that names it, at the first use."""

    model_config = ConfigDict(frozen=True)

    cluster_name: str = Field(min_length=1)
    """Name of the EKS cluster that functions are deployed to."""
    aws_region: str = Field(min_length=1)
    executor_spot: str = "spot"
    """SpinAppExecutor whose RuntimeClass prefers spot capacity (`use_spot` true)."""
    executor_on_demand: str = "on-demand"
    """SpinAppExecutor whose RuntimeClass asks for on-demand capacity (`use_spot` false)."""
    hpa_min_replicas: int = Field(default=1, ge=1)
    hpa_max_replicas: int = Field(default=10, ge=1)
    hpa_target_cpu: int = Field(default=50, ge=1)
    """Average CPU use that the autoscaler aims for, in percent of the CPU request."""
    default_cpu_request: str = "100m"
    default_memory_request: str = "128Mi"
    fixed_replicas_default: int = Field(default=1, ge=1)
    """Replicas of an app with autoscaling off, if neither the request nor the app names a number."""
    task_table: str = ""
    """DynamoDB table of the build tasks, for builds that ask for a deployment."""
    expiring_repository: str = ""
    """``host/repository`` that expires images unless they are marked as deployed; empty if there is none."""
    registry_allow_list: tuple[str, ...]
    """Patterns of registries that images may come from (`functions.registry.allow_list`)."""
    default_image_repository: str = ""
    """The stack's own repository, which is always allowed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.hpa_min_replicas > self.hpa_max_replicas:
            raise ValueError("HPA_MIN_REPLICAS must not be over HPA_MAX_REPLICAS")
        return self

    def default_bounds(self) -> dict[str, int]:
        """Return the bounds of a new autoscaler, by the request's names for them."""
        return {
            "min_replicas": self.hpa_min_replicas,
            "max_replicas": self.hpa_max_replicas,
            "target_cpu": self.hpa_target_cpu,
        }

    @classmethod
    @functools.cache
    def read(cls) -> "DeploySettings":
        """Read the environment of the process, once: a Lambda's environment never changes."""
        values: dict[str, object] = {
            name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ
        }
        if "registry_allow_list" in values:
            values["registry_allow_list"] = json.loads(str(values["registry_allow_list"]))
        return cls.model_validate(values)
