"""AWS Signature Version 4 as API Gateway checks it: over the body as it came, with botocore's own signer.

Reference: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SKEW: Final = timedelta(minutes=5)
"""How far a client's clock may be from the right time."""
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^/,]+)/(?P<date>\d{{8}})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureError(Exception):
    """A request is not signed by who it says; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived. ``path`` and ``query`` are not decoded; names of ``headers`` are lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Values of a header, joined as signers join them; empty when there is none."""
        return ",".join(value for key, value in self.headers if key == name)


def check(
    request: Request, service: str, region: str, secret_of: Callable[[str, str], str | None], now: datetime
) -> str:
    """Return the access key that signed ``request``.

    ``secret_of`` gives the secret of an access key and session token (empty for none). Raises `SignatureError`.
    """
    match = _AUTHORIZATION.fullmatch(request.header("authorization"))
    if match is None:
        raise SignatureError("The Authorization header is no signature of AWS Signature Version 4")
    if (match["service"], match["region"]) != (service, region):
        raise SignatureError(f"Credential should be scoped to {service} in {region}")
    date = request.header("x-amz-date")
    _check_date(date, match["date"], now)
    signed = match["signed"].split(";")
    _check_headers(request, signed)
    secret = secret_of(match["key"], request.header("x-amz-security-token"))
    if secret is None:
        raise SignatureError("The security token included in the request is invalid")
    expected = _signature(request, signed, SigV4Auth(Credentials(match["key"], secret), service, region), date)
    if not hmac.compare_digest(expected, match["signature"]):
        raise SignatureError("The request signature we calculated does not match the signature you provided")
    return match["key"]


def _check_date(date: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("X-Amz-Date must be of the form YYYYMMDDTHHMMSSZ") from None
    if not date.startswith(day):
        raise SignatureError("The date in the credential scope is not that of X-Amz-Date")
    if abs(now - signed_at) > SKEW:
        raise SignatureError(f"Signature expired or not yet current: {date}")


def _check_headers(request: Request, signed: list[str]) -> None:
    """Host and everything that is AWS's must be under the signature, and a stated hash must be the body's."""
    needed = {"host", *(name for name, _ in request.headers if name.startswith("x-amz-"))}
    if missing := needed - set(signed):
        raise SignatureError(f"Not signed: {', '.join(sorted(missing))}")
    stated = request.header("x-amz-content-sha256")
    if stated and stated != hashlib.sha256(request.body).hexdigest():
        raise SignatureError("The provided x-amz-content-sha256 does not match what was computed")


def _signature(request: Request, signed: list[str], signer: SigV4Auth, date: str) -> str:
    query = f"?{_canonical_query(request.query)}" if request.query else ""
    aws_request = AWSRequest(
        method=request.method,
        url=f"https://{request.header('host')}{request.path}{query}",
        headers={name: request.header(name) for name in signed},
        data=request.body,
    )
    aws_request.context["timestamp"] = date
    text = signer.string_to_sign(aws_request, signer.canonical_request(aws_request))
    return str(signer.signature(text, aws_request))


def _canonical_query(query: str) -> str:
    """Names and values, each decoded and encoded again: the signer must have written them so; botocore sorts."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
