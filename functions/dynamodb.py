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


def attributes_if(write: Any, **arguments: Any) -> dict[str, Any] | None:
    """Do a conditional update; the whole item as it is then, or None when its condition did not hold."""
    try:
        answer: dict[str, Any] = write(**arguments, ReturnValues="ALL_NEW")["Attributes"]
    except ClientError as error:
        if is_failed_condition(error):
            return None
        raise
    return answer


def is_failed_condition(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because of its condition."""
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
