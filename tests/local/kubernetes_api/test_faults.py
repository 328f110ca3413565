"""Ordered faults: status, delay, and connections that break before or after the work is done."""

from collections.abc import Iterator

import httpx
import pytest

from local.kubernetes.api import Faults
from tests.local.kubernetes_api.conftest import ApiServer, Http

pytestmark = pytest.mark.stand_in_only("faults are ordered from the stand-in")


@pytest.fixture
def faults(server: ApiServer) -> Iterator[Faults]:
    faults: Faults = server.state.faults
    yield faults
    faults.clear()


def test_the_next_matching_requests_fail(http: Http, faults: Faults) -> None:
    rule = faults.add("GET", r"/namespaces$", status=503, retry_after=2, times=2)
    response = http("GET", "/api/v1/namespaces")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["reason"] == "ServiceUnavailable"
    http.ok("GET", "/api/v1/namespaces/default")
    http.refused(503, "GET", "/api/v1/namespaces")
    http.ok("GET", "/api/v1/namespaces")
    assert rule.used == 2


def test_a_late_answer_makes_an_impatient_client_give_up(http: Http, faults: Faults) -> None:
    faults.add(path="/namespaces/default", delay=1)
    with pytest.raises(httpx.ReadTimeout):
        http.client.get("/api/v1/namespaces/default", timeout=0.2)


def test_a_cut_before_the_work_leaves_nothing(http: Http, faults: Faults, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    faults.add("POST", r"/configmaps$", cut="before")
    with pytest.raises(httpx.TransportError):
        http("POST", path, {"metadata": {"name": "c"}})
    http.refused(404, "GET", f"{path}/c")


def test_a_cut_after_the_work_loses_only_the_answer(http: Http, faults: Faults, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    faults.add("POST", r"/configmaps$", cut="after")
    with pytest.raises(httpx.TransportError):
        http("POST", path, {"metadata": {"name": "c"}})
    assert http.ok("GET", f"{path}/c")["metadata"]["name"] == "c"


def test_a_standing_fault_lasts_until_it_is_cleared(http: Http, faults: Faults) -> None:
    faults.add(path="/version", status=429, times=None)
    for _ in range(3):
        http.refused(429, "GET", "/version")
    faults.clear()
    http.ok("GET", "/version")
