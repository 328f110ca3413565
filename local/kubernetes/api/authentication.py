"""Who is calling: bearer tokens to users, by authenticators that can be combined.

`StaticTokenAuthenticator` knows tokens by heart. `EksTokenAuthenticator` does what EKS does with the tokens of
`aws eks get-token`: such a token is a presigned STS GetCallerIdentity URL, and its bearer is whoever STS says.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx

from local.cloud.authorities import authorities

AUTHENTICATED = "system:authenticated"
_PREFIX = "k8s-aws-v1."
_CLUSTER_HEADER = "x-k8s-aws-id"
_LIFE = timedelta(minutes=15)
_CLOCK_SKEW = timedelta(minutes=5)
_STS_TIMEOUT = 10.0
_MAX_TOKEN = 16 * 1024


@dataclass(frozen=True)
class User:
    """An authenticated caller."""

    name: str
    groups: tuple[str, ...] = ()

    def all_groups(self) -> tuple[str, ...]:
        """List the groups, and the one that holds everybody who is authenticated."""
        return (*self.groups, AUTHENTICATED)


class Authenticator(Protocol):
    """Says whose token it is; `None` when this authenticator does not accept it."""

    async def __call__(self, token: str) -> User | None:
        """Find the token's user; `None` when it is not accepted here."""
        ...


class StaticTokenAuthenticator:
    """Tokens that are known beforehand, each with its user."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = dict(users)

    async def __call__(self, token: str) -> User | None:
        """Find the token's user."""
        found = None
        for known, user in self._users.items():  # all of them, each in constant time: no timing to learn from
            if hmac.compare_digest(known.encode(), token.encode()):
                found = user
        return found


MapIdentity = Callable[[str], User | None]
"""From a caller's ARN as STS gives it to the cluster's user (what access entries do); `None`: no access."""


@dataclass(frozen=True)
class EksTokenAuthenticator:
    """Tokens of `aws eks get-token`, checked against an STS endpoint.

    `sts_endpoint` is where the signed request is sent, whatever host it was signed for: the one-machine AWS.
    `map_identity` gives the user and groups for an ARN. A token lives for 15 minutes from its X-Amz-Date: the 60
    seconds that clients write into X-Amz-Expires do not shorten that. Rules: kubernetes-sigs/aws-iam-authenticator
    (`pkg/token`), "API Authorization from Outside a Cluster".
    """

    cluster_name: str
    sts_endpoint: str
    map_identity: MapIdentity
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def __call__(self, token: str) -> User | None:
        """Find the user of a token; `None` for one that is malformed, expired, for another cluster, or refused."""
        query = self._signed_query(token)
        if query is None:
            return None
        arn = await self._caller(query)
        return self.map_identity(arn) if arn else None

    def _signed_query(self, token: str) -> str | None:
        """Return the query of the presigned URL in the token, when all that can be checked without STS is right."""
        if not token.startswith(_PREFIX) or len(token) > _MAX_TOKEN:
            return None
        encoded = token.removeprefix(_PREFIX)
        try:
            url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
        except (binascii.Error, ValueError):
            return None
        parameters = {key.lower(): value for key, value in parse_qsl(url.query)}
        if (
            url.scheme not in ("https", "http")
            or url.path not in ("", "/")
            or parameters.get("action") != "GetCallerIdentity"
        ):
            return None
        # Without the header under the signature, a token for one cluster would open every other.
        if _CLUSTER_HEADER not in parameters.get("x-amz-signedheaders", "").lower().split(";"):
            return None
        try:
            signed = datetime.strptime(parameters["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            stated = timedelta(seconds=int(parameters["x-amz-expires"]))
        except (KeyError, ValueError, OverflowError):
            return None
        if not timedelta(0) <= stated <= _LIFE:
            return None
        return url.query if signed - _CLOCK_SKEW <= self.now() < signed + _LIFE else None

    async def _caller(self, query: str) -> str | None:
        """Ask STS for the ARN of the signed request; `None` when it refuses or cannot be asked."""
        headers = {_CLUSTER_HEADER: self.cluster_name, "Accept": "application/json"}
        try:
            async with httpx.AsyncClient(verify=authorities(), timeout=_STS_TIMEOUT, trust_env=False) as client:
                response = await client.get(f"{self.sts_endpoint.rstrip('/')}/?{query}", headers=headers)
        except httpx.HTTPError:
            return None
        return _arn(response.text) if response.is_success else None


def _arn(answer: str) -> str | None:
    """Find the ARN in an answer of GetCallerIdentity, which STS gives as JSON or as XML."""
    try:
        body = json.loads(answer)
        return str(body["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"])
    except (ValueError, KeyError, TypeError):
        _, found, rest = answer.partition("<Arn>")
        return rest.partition("</Arn>")[0].strip() or None if found else None


async def authenticate(header: str, authenticators: Sequence[Authenticator]) -> User | None:
    """Find the user of an Authorization header's value, by the first authenticator that accepts it."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    for authenticator in authenticators:
        if user := await authenticator(token):
            return user
    return None
