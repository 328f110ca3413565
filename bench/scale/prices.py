"""What AWS takes for each thing that a build or an app uses: us-east-1, on demand, USD, without free tiers.

Read on 2026-11-27, partly from AWS's own pages, partly as others cite them: see ``SOURCES``. No price was checked
against a bill.
"""

from typing import Final

DATE: Final = "2026-11-27"
SOURCES: Final = (
    "AWS pricing pages of CodeBuild, Step Functions, Lambda, API Gateway (HTTP APIs), DynamoDB (on demand, since "
    "November 2024), S3, ECR, EventBridge, CloudWatch Logs, KMS, EKS and EC2"
)

BUILD_MINUTE: Final = {"SMALL": 0.005, "MEDIUM": 0.01, "LARGE": 0.02}
"""Each minute begun."""
TRANSITION: Final = 25e-6
LAMBDA_REQUEST: Final = 0.2e-6
LAMBDA_GIGABYTE_SECOND: Final = 16.6667e-6
API_REQUEST: Final = 1e-6
WRITE_UNIT: Final = 0.625e-6
READ_UNIT: Final = 0.125e-6
S3_PUT: Final = 5e-6
S3_GET: Final = 0.4e-6
S3_GIGABYTE_MONTH: Final = 0.023
ECR_GIGABYTE_MONTH: Final = 0.10
EVENT: Final = 1e-6
LOG_GIGABYTE: Final = 0.50
KMS_REQUEST: Final = 3e-6
CLUSTER_HOUR: Final = 0.10
NODE_HOUR: Final = 0.4032
"""m7i.2xlarge: 8 vCPU, 32 GiB."""
HOURS_A_MONTH: Final = 730
