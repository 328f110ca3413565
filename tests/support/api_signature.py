"""What API Gateway makes of a signed request, computed without botocore."""

import hashlib
import hmac
from urllib.parse import parse_qsl, quote

import httpx


def signature_of(request: httpx.Request, secret: str) -> str:
    """The signature that API Gateway computes (IAM guide, "Create a signed AWS API request")."""
    given = dict(part.split("=", 1) for part in request.headers["authorization"].split(" ", 1)[1].split(", "))
    scope = given["Credential"].split("/", 1)[1]
    names = given["SignedHeaders"].split(";")
    assert "host" in names
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(request.url.query.decode()))
    canonical = "\n".join(
        [
            request.method,
            quote(request.url.raw_path.decode().partition("?")[0], safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{request.headers[name].strip()}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.content).hexdigest(),
        ]
    )
    text = "\n".join(
        ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
