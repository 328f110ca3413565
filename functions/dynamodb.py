"""Conditional writes of DynamoDB, as the tables' own code sees them."""

from typing import Any

from botocore.exceptions import ClientError


def written_if(write: Any, **arguments: Any) -> bool:
    """Do a conditional write; False when its condition did not hold."""
    try:
        write(**arguments)
    except ClientError as error:
        if is_failed_condition(error):
            return False
        raise
    return True


def is_failed_condition(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because of its condition."""
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
