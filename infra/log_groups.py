"""Names of the log groups that AWS services write to by themselves."""

import aws_cdk as cdk
from constructs import Construct


def vended_log_group(scope: Construct, of: str) -> str:
    """Return the name of the stack's log group for the logs of an AWS service; ``of`` names the logs.

    A group outside of ``/aws/vendedlogs/`` is added to the account's resource policy of CloudWatch Logs. The policy is
    limited to 5,120 characters: in an account with many groups the creation fails.
    Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    return f"/aws/vendedlogs/{cdk.Stack.of(scope).stack_name}/{of}"
