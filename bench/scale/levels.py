"""Builds and apps by the day, held against quotas and prices: what is reached first, and what it costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.scale import prices
from bench.scale.demand import Demand
from bench.scale.quotas import QUOTAS, Name

BUILDS_A_DAY: Final = (100, 10_000, 1_000_000)
APPS: Final = (10, 1_000, 100_000)
PEAK: Final = 5
"""The busiest minutes of a day over its average; an office's builds come in eight hours, and in bursts."""
BUSIEST_WORKSPACE: Final = 0.2
"""The share of all builds that one workspace makes."""
DAY: Final = 86_400
SNAPSHOT_MEGABYTES: Final = 19.4
"""A component, as it is stored; the image holds it, and S3 beside it."""
_FUNCTION_GIGABYTES: Final = 0.5
_FUNCTION_SECONDS: Final = 0.05
_LOG_GIGABYTES: Final = 20e-6
_APP_CPU: Final = 0.1
_NODE_CPU: Final = 7.9
_PODS_A_NODE: Final = 110
SERVICES_A_CLUSTER: Final = 10_000
"""Kubernetes' own scalability thresholds (sig-scalability): 10,000 Services, 150,000 pods, 5,000 nodes."""


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one quota the busiest minutes take."""

    name: Name
    need: float

    @property
    def share(self) -> float:
        """1 is all of it."""
        return self.need / QUOTAS[self.name].limit


def needs(builds_a_day: float, demand: Demand) -> list[Used]:
    """Return what the busiest minutes ask of each service, the fullest first.

    ``demand`` is that of an installation, provisioning included (`Demand.on_codebuild`).
    """
    rate = builds_a_day / DAY * PEAK
    wanted: dict[Name, float] = {
        "places": rate * demand.task_seconds,
        "lambda_at_once": rate * (demand.task_seconds + demand.functions * _FUNCTION_SECONDS),
        "api_requests": rate * demand.requests,
        "start_execution": rate,
        "transitions": rate * demand.transitions,
        "index_writes": rate * 2,
        "workspace_writes": rate * BUSIEST_WORKSPACE * demand.writes,
        "table_writes": rate * (demand.writes + 2),
        "put_image": rate * demand.put_images,
        "layer_uploads": rate * demand.layer_uploads,
        "put_events": rate * demand.events,
        "kms": rate * (demand.kms + demand.s3_puts + demand.s3_gets),
    }
    return sorted((Used(name, need) for name, need in wanted.items()), key=lambda used: -used.share)


def month(builds_a_day: float, demand: Demand, compute: str = "MEDIUM") -> Mapping[str, float]:
    """USD a month by service, for builds; images and components are kept for a month."""
    builds = builds_a_day * 30
    minutes = math.ceil((demand.task_seconds) / 60)
    stored = builds * SNAPSHOT_MEGABYTES / 1024
    return {
        "CodeBuild": builds * minutes * prices.BUILD_MINUTE[compute],
        "Step Functions": builds * demand.transitions * prices.TRANSITION,
        "Lambda": builds
        * (
            demand.functions * prices.LAMBDA_REQUEST
            + (demand.task_seconds + demand.functions * _FUNCTION_SECONDS)
            * _FUNCTION_GIGABYTES
            * prices.LAMBDA_GIGABYTE_SECOND
        ),
        "API Gateway": builds * demand.requests * prices.API_REQUEST,
        "DynamoDB": builds * ((demand.writes + 2) * prices.WRITE_UNIT + demand.reads * prices.READ_UNIT),
        "S3": builds * (demand.s3_puts * prices.S3_PUT + demand.s3_gets * prices.S3_GET)
        + stored * prices.S3_GIGABYTE_MONTH,
        "ECR": stored * prices.ECR_GIGABYTE_MONTH,
        "EventBridge, KMS, logs": builds
        * (
            demand.events * prices.EVENT
            + (demand.kms + demand.s3_puts + demand.s3_gets) * prices.KMS_REQUEST
            + _LOG_GIGABYTES * prices.LOG_GIGABYTE
        ),
    }


@dataclass(frozen=True, slots=True)
class Clusters:
    """What so many apps of one replica take, at the default requests."""

    apps: int

    @property
    def nodes(self) -> int:
        """Of 8 vCPU: full by the CPU that pods ask for, or by the kubelet's 110 pods."""
        return max(1, math.ceil(self.apps / min(_PODS_A_NODE, _NODE_CPU / _APP_CPU)))

    @property
    def clusters(self) -> int:
        """Each app has a Service, and a cluster should have 10,000 at most."""
        return math.ceil(self.apps / SERVICES_A_CLUSTER)

    @property
    def month(self) -> float:
        """USD."""
        return prices.HOURS_A_MONTH * (self.nodes * prices.NODE_HOUR + self.clusters * prices.CLUSTER_HOUR)
