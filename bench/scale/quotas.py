"""What AWS and Kubernetes allow before anybody asks for more.

Defaults of a region such as us-east-1. Where AWS says that it depends on the account, the figure is the one that an
account gets in practice, and the page says so. `python -m infra.preflight` reads your account's.
"""

from dataclasses import dataclass
from typing import Final, Literal

Name = Literal[
    "places",
    "lambda_at_once",
    "api_requests",
    "start_execution",
    "transitions",
    "index_writes",
    "workspace_writes",
    "table_writes",
    "put_image",
    "layer_uploads",
    "put_events",
    "kms",
]


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of one account in one region.

    Parameters
    ----------
    limit
        Per second, or of things at once; ``unit`` says which.
    adjustable
        Whether AWS raises it on request.
    setting
        What to set or to ask for when it is the first to be reached.
    """

    title: str
    limit: float
    unit: Literal["at once", "a second"]
    adjustable: bool
    source: str
    setting: str


QUOTAS: Final[dict[Name, Quota]] = {
    "places": Quota(
        "CodeBuild: builds at once, one compute type",
        60,
        "at once",
        True,
        "CodeBuild user guide, quotas: by account, 1 to 300 in practice",
        "Service Quotas ▸ AWS CodeBuild ▸ concurrently running builds; `builds.fleet`",
    ),
    "lambda_at_once": Quota(
        "Lambda: executions at once",
        1_000,
        "at once",
        True,
        "Lambda developer guide, quotas; new accounts: 10",
        "Service Quotas ▸ AWS Lambda ▸ concurrent executions",
    ),
    "api_requests": Quota(
        "API Gateway: the stage's own limit", 100, "a second", True, "`infra/api.py`", "the stage's rate limit"
    ),
    "start_execution": Quota(
        "Step Functions: StartExecution, refill",
        300,
        "a second",
        True,
        "Step Functions developer guide, quotas: 300 in us-east-1, us-west-2, eu-west-1; 150 elsewhere",
        "Service Quotas ▸ AWS Step Functions",
    ),
    "transitions": Quota(
        "Step Functions: state transitions",
        5_000,
        "a second",
        True,
        "Step Functions developer guide, quotas: 5,000 in us-east-1, us-west-2, eu-west-1; 800 elsewhere",
        "Service Quotas ▸ AWS Step Functions",
    ),
    "index_writes": Quota(
        "DynamoDB: writes to one partition, index `unsettled`",
        1_000,
        "a second",
        False,
        "DynamoDB developer guide, partition keys",
        "more values of the mark (a change of the code)",
    ),
    "workspace_writes": Quota(
        "DynamoDB: writes to one partition, the busiest workspace",
        1_000,
        "a second",
        False,
        "DynamoDB developer guide, partition keys",
        "more workspaces; adaptive capacity splits a workspace by its task ids",
    ),
    "table_writes": Quota(
        "DynamoDB: write units of a table on demand",
        40_000,
        "a second",
        True,
        "DynamoDB developer guide, quotas",
        "warm throughput of the table",
    ),
    "put_image": Quota(
        "ECR: PutImage", 10, "a second", True, "ECR user guide, service quotas (L-AD52DFB2)", "Service Quotas ▸ ECR"
    ),
    "layer_uploads": Quota(
        "ECR: InitiateLayerUpload",
        100,
        "a second",
        True,
        "ECR user guide, service quotas (L-95B28F8D)",
        "Service Quotas ▸ ECR",
    ),
    "put_events": Quota(
        "EventBridge: PutEvents",
        10_000,
        "a second",
        True,
        "EventBridge user guide, quotas (L-9B653E91): 10,000 in us-east-1, 600 to 2,400 in small regions",
        "Service Quotas ▸ EventBridge",
    ),
    "kms": Quota(
        "KMS: cryptographic requests, symmetric keys",
        10_000,
        "a second",
        True,
        "KMS developer guide, request quotas: 20,000 to 100,000 in large regions",
        "Service Quotas ▸ KMS",
    ),
}
