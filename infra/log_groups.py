"""Names of the log groups that AWS services deliver to themselves."""

import aws_cdk as cdk
from constructs import Construct


def vended_log_group(scope: Construct, of: str) -> str:
    """Name of the stack's log group for a service's own logs: ``of`` says which.

    Outside ``/aws/vendedlogs/`` each group adds itself to the account's resource policy of CloudWatch Logs, which holds
    5,120 characters: in an account that has many, the creation fails.
    Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    return f"/aws/vendedlogs/{cdk.Stack.of(scope).stack_name}/{of}"
