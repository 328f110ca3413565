"""Bearer tokens: static ones, and EKS tokens against an STS endpoint."""

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.kubernetes.api import EksTokenAuthenticator, User
from local.tests.kubernetes_api.conftest import ApiServer

CLUSTER = "blue-faas"
ARN = "arn:aws:sts::123456789012:assumed-role/deployer/session"
XML = f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ARN}</Arn></GetCallerIdentityResult>"


class FakeSts(BaseHTTPRequestHandler):
    """Answers a signed GetCallerIdentity, and refuses when the cluster's header is not the one that was signed."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        cluster = self.headers.get("x-k8s-aws-id", "")
        self.seen.append((query["Action"][0], cluster))
        body = XML.encode() if cluster == CLUSTER else b"<Error/>"
        self.send_response(200 if cluster == CLUSTER else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def sts() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    seen: list[tuple[str, str]] = []
    handler = type("Handler", (FakeSts,), {"seen": seen})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def eks_token(cluster: str | None = CLUSTER, action: str = "GetCallerIdentity", expires: int = 60) -> str:
    """What `aws eks get-token` makes."""
    url = f"https://sts.ap-northeast-2.amazonaws.com/?Action={action}&Version=2011-06-15"
    request = AWSRequest("GET", url, headers={"x-k8s-aws-id": cluster} if cluster else {})
    credentials = Credentials("AKIDEXAMPLE", "secret")
    SigV4QueryAuth(credentials, "sts", "ap-northeast-2", expires=expires).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")


def authenticator(endpoint: str, later: timedelta = timedelta(0)) -> EksTokenAuthenticator:
    def identity(arn: str) -> User | None:
        return User("deployer", ("blue-faas:deployers",)) if ":assumed-role/deployer/" in arn else None

    return EksTokenAuthenticator(CLUSTER, endpoint, identity, lambda: datetime.now(UTC) + later)


def check(accept: EksTokenAuthenticator, token: str) -> User | None:
    return asyncio.run(accept(token))


def test_an_eks_token_is_who_sts_says(sts: tuple[str, list[tuple[str, str]]]) -> None:
    endpoint, seen = sts
    assert check(authenticator(endpoint), eks_token()) == User("deployer", ("blue-faas:deployers",))
    assert seen == [("GetCallerIdentity", CLUSTER)]


def test_an_eks_token_lives_fifteen_minutes(sts: tuple[str, list[tuple[str, str]]]) -> None:
    endpoint, _ = sts
    token = eks_token()
    assert check(authenticator(endpoint, timedelta(minutes=14, seconds=50)), token)
    assert check(authenticator(endpoint, timedelta(minutes=15, seconds=1)), token) is None
    assert check(authenticator(endpoint, timedelta(minutes=-6)), token) is None


def test_eks_tokens_that_are_refused_unasked(sts: tuple[str, list[tuple[str, str]]]) -> None:
    endpoint, seen = sts
    accept = authenticator(endpoint)
    for token in (
        eks_token(cluster=None),
        eks_token(action="GetSessionToken"),
        eks_token(expires=901),
        "k8s-aws-v1.",
        "k8s-aws-v1.%%%",
        "k8s-aws-v1." + base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        "k8s-aws-v1." + base64.urlsafe_b64encode(b"https://sts.amazonaws.com/?Action=GetCallerIdentity").decode(),
        eks_token().removeprefix("k8s-aws-v1."),
    ):
        assert check(accept, token) is None
    assert seen == []


def test_an_eks_token_for_another_cluster_is_refused_by_sts(sts: tuple[str, list[tuple[str, str]]]) -> None:
    endpoint, seen = sts
    other = EksTokenAuthenticator("other", endpoint, lambda _arn: User("x"))
    assert check(other, eks_token()) is None
    assert seen == [("GetCallerIdentity", "other")]


def test_without_sts_nobody_is_let_in() -> None:
    assert check(authenticator("http://127.0.0.1:1"), eks_token()) is None


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic dGVzdC10b2tlbg==", "test-token"])
def test_requests_without_a_known_token_are_unauthorized(server: ApiServer, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    context = ssl.create_default_context(cafile=server.ca)
    with httpx.Client(base_url=server.url, verify=context, headers=headers, trust_env=False) as anybody:
        for path in ("/api/v1/namespaces", "/apis", "/version"):
            response = anybody.get(path)
            assert response.status_code == 401
            assert response.json()["reason"] == "Unauthorized"
        assert anybody.get("/readyz").status_code == (401 if header == "Bearer wrong" else 200)
