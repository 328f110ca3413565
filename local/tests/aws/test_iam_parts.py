"""Conditions that can be judged, requests that say more, signatures, and rights that nobody used."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from local.aws.iam import requests, signature
from local.aws.iam.conditions import UnknownConditionError, check_condition

REGION = "ap-northeast-2"
SECRET = "secret"
GROUP = "arn:aws:logs:r:1:log-group:G"


@pytest.mark.parametrize(
    ("operator", "key", "action"),
    [
        ("StringEquals", "aws:PrincipalArn", "s3:GetObject"),
        ("ForAnyValue:StringLike", "kms:EncryptionContextKeys", "kms:Decrypt"),
        ("StringEqualsIfExists", "kms:EncryptionContext:task_id", "kms:Decrypt"),
        ("Null", "s3:prefix", "s3:ListBucket"),
        ("Bool", "AWS:SecureTransport", "sqs:SendMessage"),
    ],
)
def test_known_conditions(operator: str, key: str, action: str) -> None:
    check_condition(operator, key, action)


@pytest.mark.parametrize(
    ("operator", "key", "action"),
    [
        ("StringSounds", "aws:PrincipalArn", "s3:GetObject"),
        ("NullIfExists", "aws:PrincipalArn", "s3:GetObject"),
        ("StringEquals", "s3:prefix", "kms:Decrypt"),
        ("StringEquals", "kms:EncryptionContext:a", "s3:GetObject"),
        ("StringEquals", "aws:SourceVpc", "s3:GetObject"),
    ],
)
def test_unknown_conditions(operator: str, key: str, action: str) -> None:
    with pytest.raises(UnknownConditionError, match=r"is not known|do not carry"):
        check_condition(operator, key, action)


@pytest.mark.parametrize(
    ("action", "request_", "expected"),
    [
        ("logs:GetLogEvents", {"logStreamName": "s"}, f"{GROUP}:log-stream:s"),
        ("logs:DescribeLogStreams", {"logStreamName": "s"}, f"{GROUP}:log-stream:"),
        ("dynamodb:GetItem", {}, GROUP),
    ],
)
def test_resources_of_logs(action: str, request_: dict[str, Any], expected: str) -> None:
    assert requests.resource_of(action, GROUP, request_) == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"roleArn": 1}', b'{"Targets": [1]}'])
def test_malformed_requests_pass_no_role(body: bytes) -> None:
    for action in ("states:CreateStateMachine", "events:PutTargets", "s3:PutObject"):
        assert requests.passed_roles(action, requests.parsed(action, body)) == []


def signed(method: str, url: str, body: bytes, now: datetime) -> signature.Request:
    """A request that botocore has signed."""
    request = AWSRequest(method, url, data=body)
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    signer = SigV4Auth(Credentials("KEY", "secret", "token"), "execute-api", REGION)
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Security-Token"] = "token"
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    signed_names = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={signed_names}, "
        f"Signature={signer.signature(text, request)}"
    )
    path, _, query = url.removeprefix("https://api.example").partition("?")
    headers = (("host", "api.example"), *((name.lower(), value) for name, value in request.headers.items()))
    return signature.Request(method, path, query, headers, body)


def check(request: signature.Request, now: datetime, secret: str | None = SECRET) -> str:
    """The key that signed it."""
    return signature.check(request, "execute-api", REGION, lambda _, token: secret if token == "token" else None, now)


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_segment = st.text("abcXYZ019-_~.%20", min_size=1, max_size=8).filter(lambda s: "%" not in s and s not in (".", ".."))


@given(path=st.lists(_segment, max_size=4), values=st.lists(_segment, max_size=3), body=st.binary(max_size=50))
def test_what_botocore_signs_is_accepted(path: list[str], values: list[str], body: bytes) -> None:
    query = "&".join(f"n{index}={value}" for index, value in enumerate(values))
    url = f"https://api.example/{'/'.join(path)}" + (f"?{query}" if query else "")
    assert check(signed("POST", url, body, NOW), NOW) == "KEY"


@given(body=st.binary(max_size=50), other=st.binary(max_size=50))
def test_another_body_is_refused(body: bytes, other: bytes) -> None:
    request = signed("POST", "https://api.example/a", body, NOW)
    changed = signature.Request(request.method, request.path, request.query, request.headers, other)
    if body == other:
        assert check(changed, NOW) == "KEY"
    else:
        with pytest.raises(signature.SignatureError):
            check(changed, NOW)


@pytest.mark.parametrize(("seconds", "works"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_clocks_may_differ_by_five_minutes(seconds: int, works: bool) -> None:
    request = signed("GET", "https://api.example/a", b"", NOW)
    if works:
        assert check(request, NOW + timedelta(seconds=seconds)) == "KEY"
    else:
        with pytest.raises(signature.SignatureError, match="expired or not yet current"):
            check(request, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "more",
    [
        ("x-amz-meta", "unsigned"),
        ("x-amz-content-sha256", hashlib.sha256(b"").hexdigest()),
        ("authorization", "twice"),
    ],
)
def test_headers_that_nobody_signed_are_refused(more: tuple[str, str]) -> None:
    request = signed("GET", "https://api.example/a", b"", NOW)
    changed = signature.Request("GET", request.path, request.query, (*request.headers, more), b"")
    with pytest.raises(signature.SignatureError):
        check(changed, NOW)


def test_an_unknown_key_and_another_scope_are_refused() -> None:
    request = signed("GET", "https://api.example/a", b"", NOW)
    with pytest.raises(signature.SignatureError, match="security token"):
        check(request, NOW, secret=None)
    for service, region in (("s3", REGION), ("execute-api", "us-east-1")):
        with pytest.raises(signature.SignatureError, match="scoped"):
            signature.check(request, service, region, lambda *_: "secret", NOW)
