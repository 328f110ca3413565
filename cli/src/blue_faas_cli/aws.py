"""AWS services, called with the credentials that sign the API's requests."""

from typing import Any

from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.signing import aws_session


def client(service: str, settings: Settings) -> Any:
    """Return a client of an AWS service."""
    session, region = aws_session(settings)
    return session.create_client(service, region_name=region)


def caller(settings: Settings) -> str:
    """Ask AWS whose credentials they are; returns the ARN.

    Raises
    ------
    BlueError
        There are none, or AWS does not know them.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(client("sts", settings).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        raise BlueError(f"AWS does not know these credentials: {error}", Exit.REFUSED) from None


def api_url(settings: Settings, stack: str) -> str:
    """Return the output ``ApiUrl`` of a CloudFormation stack.

    Raises
    ------
    BlueError
        The stack cannot be read, or has no such output.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        (found,) = client("cloudformation", settings).describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise BlueError(f"The stack {stack} cannot be read: {error}", Exit.REFUSED) from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if "ApiUrl" not in outputs:
        raise BlueError(f"The stack {stack} has no output ApiUrl: is it one of Blue FaaS?", Exit.REFUSED)
    return str(outputs["ApiUrl"])
