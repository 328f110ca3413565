"""Who sent a request, as API Gateway's authorizer knows it.

References: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
(payload format 2.0, ``requestContext.authorizer``). Of an IAM caller an HTTP API passes the ARN on, never session tags:
what a policy is to tell apart has to be in a role's or a session's name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from functions.models import principals

ANONYMOUS: Final = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of the API."""

    name: str
    """IAM ARN or subject of the token, for people: two issuers may give one subject."""
    principals: frozenset[str] = frozenset()
    """Every principal that the caller is (`functions.models.principals`)."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Of the token."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """Read the caller from an API Gateway event; `ANONYMOUS` where no authorizer stands before the API."""
        authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
        arn = (authorizer.get("iam") or {}).get("userArn")
        claims: Mapping[str, Any] = (authorizer.get("jwt") or {}).get("claims") or {}
        if arn:
            return cls(str(arn), principals.of_arn(str(arn)))
        return cls(str(claims.get("sub") or ANONYMOUS), principals.of_claims(claims), claims)

    def is_one_of(self, named: Iterable[str]) -> bool:
        """Return whether one of the named principals is this caller."""
        return any(principals.canonical(principal) in self.principals for principal in named)

    def lists(self, workspace_id: str, claim: str) -> bool:
        """Return whether ``claim`` of the caller's token lists a workspace."""
        return bool(claim) and workspace_id in names_in(self.claims.get(claim))


def names_in(claim: object) -> frozenset[str]:
    """Return the names in a claim, in any of the forms in which one arrives.

    An HTTP API hands claims over as strings, and an array as ``[a b]``. Issuers that cannot put arrays into a token
    send ``a b`` (as ``scope`` does), ``a,b`` or JSON. No workspace id has a space, comma, bracket or quotation mark.
    """
    if isinstance(claim, list):
        return frozenset(name for name in claim if isinstance(name, str))
    if not isinstance(claim, str):
        return frozenset()
    return frozenset(name for name in re.split(r"[\s,\"\[\]]+", claim) if name)
