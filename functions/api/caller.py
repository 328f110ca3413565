"""Who sent a request, as API Gateway's authorizer knows it."""

from collections.abc import Mapping
from typing import Any, Final

ANONYMOUS: Final = "anonymous"


def caller(event: Mapping[str, Any]) -> str:
    """Return the IAM ARN or the subject of the JWT, or `ANONYMOUS` for an API without an authorizer.

    ``event`` is API Gateway's (HTTP API, payload format 2.0: ``requestContext.authorizer``).
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    identity = (authorizer.get("iam") or {}).get("userArn")
    subject = ((authorizer.get("jwt") or {}).get("claims") or {}).get("sub")
    return str(identity or subject or ANONYMOUS)
