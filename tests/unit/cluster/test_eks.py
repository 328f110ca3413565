"""Finding the cluster and signing in: what EKS and STS are asked, and what is kept between invocations."""

import base64
import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from functions.cluster.eks import TokenSource
from tests.unit.cluster.conftest import CLUSTER, REGION, Deploy, Eks
from tests.unit.cluster.kubernetes_server import KubernetesServer, token_url


def test_the_token_is_a_presigned_url_that_names_the_cluster() -> None:
    token = TokenSource(CLUSTER, REGION).token()

    assert "=" not in token
    url = urlsplit(token_url(token))
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", f"sts.{REGION}.amazonaws.com", "/")
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["Version"] == ["2011-06-15"]
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Credential"][0].endswith(f"/{REGION}/sts/aws4_request")
    assert "ClusterName" not in query


def test_the_signature_is_bound_to_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.datetime(2026, 11, 24, 3, 4, 5)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: moment)  # only the name may differ
    signatures = {
        parse_qs(urlsplit(token_url(TokenSource(name, REGION).token())).query)["X-Amz-Signature"][0]
        for name in ("one", "two")
    }
    assert len(signatures) == 2


def test_a_token_is_kept_for_a_while_and_renewed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("functions.cluster.eks.time.monotonic", lambda: now)
    source = TokenSource(CLUSTER, REGION)
    signed: list[None] = []
    source._sts.meta.events.register("before-sign.sts.GetCallerIdentity", lambda **_: signed.append(None))
    source.token()
    now += 44
    source.token()
    assert len(signed) == 1
    now += 2
    source.token()
    assert len(signed) == 2
    source.renew()
    source.token()
    assert len(signed) == 3


@pytest.mark.usefixtures("cold_start")
def test_the_cluster_is_looked_up_once(deploy: Deploy, eks: Eks, server: KubernetesServer) -> None:
    before = eks.asked
    deploy(app_name="my-function")
    deploy(app_name="my-function")
    assert eks.asked == before + 1
    assert len(set(server.tokens)) == 1


@pytest.mark.usefixtures("cold_start")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"endpoint": None}, "has no endpoint yet (status CREATING)"),
        ({"certificateAuthority": {}}, "has no endpoint yet (status CREATING)"),
    ],
)
def test_a_cluster_that_is_still_being_made(deploy: Deploy, eks: Eks, change: dict[str, Any], words: str) -> None:
    eks.clusters[CLUSTER] = {**eks.clusters[CLUSTER], "status": "CREATING", **change}
    answer = deploy()
    assert answer.status == 502
    assert words in answer.detail


@pytest.mark.usefixtures("cold_start")
def test_a_cluster_that_does_not_exist(deploy: Deploy, eks: Eks) -> None:
    del eks.clusters[CLUSTER]
    answer = deploy()
    assert answer.status == 502
    assert f"EKS did not describe cluster '{CLUSTER}' (ResourceNotFoundException)" in answer.detail


@pytest.mark.usefixtures("cold_start")
def test_an_eks_that_cannot_be_reached(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", "http://127.0.0.1:9")
    answer = deploy(seconds=5)
    assert answer.status == 502
    assert "EndpointConnectionError" in answer.detail


@pytest.mark.usefixtures("cold_start")
def test_a_server_that_is_not_the_clusters_is_not_talked_to(deploy: Deploy, eks: Eks, server: KubernetesServer) -> None:
    other = trustme.CA().cert_pem.bytes()
    eks.clusters[CLUSTER]["certificateAuthority"] = {"data": base64.b64encode(other).decode()}
    answer = deploy()
    assert answer.status == 503
    assert "certificate is not the cluster's" in answer.detail
    assert server.calls == []
