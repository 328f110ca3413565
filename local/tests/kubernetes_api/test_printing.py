"""Tables: the columns that `kubectl get` shows."""

from typing import Any

import pytest

from local.kubernetes.api.printing import human_duration
from local.tests.kubernetes_api.conftest import Http, deployment, spinapp, spinapps

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def table(http: Http, path: str, **query: str) -> dict[str, Any]:
    response = http.client.get(path, headers=TABLE, params=query)
    body: dict[str, Any] = response.json()
    assert (body["kind"], body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    return body


def columns(body: dict[str, Any]) -> list[str]:
    return [column["name"] for column in body["columnDefinitions"] if column["priority"] == 0]


def test_spinapps_have_the_columns_of_their_definition(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a", replicas=2))
    body = table(http, spinapps(namespace))
    assert columns(body) == ["Name", "Ready", "Desired", "Executor"]
    assert body["rows"][0]["cells"][:4] == ["a", None, 2, "containerd-shim-spin"]
    assert body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    whole = table(http, spinapps(namespace, "a"), includeObject="Object")
    assert whole["rows"][0]["object"]["kind"] == "SpinApp"


def test_pods_and_deployments(http: Http, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}"
    apps = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    http.ok("POST", apps, deployment("d"))
    deployments = table(http, apps)
    assert columns(deployments) == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert deployments["rows"][0]["cells"][:4] == ["d", "0/1", 0, 0]
    http.ok("POST", f"{base}/pods", {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    waiting = {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    statuses = [{**waiting, "image": "i", "imageID": "", "ready": False, "restartCount": 2}]
    status = {"status": {"phase": "Pending", "containerStatuses": statuses}}
    http.ok("PATCH", f"{base}/pods/p/status", status, "application/merge-patch+json")
    pods = table(http, f"{base}/pods")
    assert columns(pods) == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert pods["rows"][0]["cells"][:4] == ["p", "0/1", "ImagePullBackOff", "2"]


@pytest.mark.stand_in_only("kubectl prints name and age itself of what is no Table")
def test_of_other_kinds_kubectl_is_sent_the_objects(http: Http) -> None:
    assert http.client.get("/api/v1/namespaces", headers=TABLE).json()["kind"] == "NamespaceList"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (11100, "3h5m"),
        (86400, "24h"),
        (172800, "2d"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text
