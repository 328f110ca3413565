"""Tables: the columns that `kubectl get` shows."""

from typing import Any

import pytest

from local.kubernetes.api.cells import human_duration, json_path
from tests.local.kubernetes_api.conftest import Http, deployment, spinapp, spinapps

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
    assert table(http, spinapps(namespace), includeObject="None")["rows"][0]["object"] is None


def test_built_in_kinds(http: Http, namespace: str) -> None:
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
    http.ok("POST", f"{base}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    services = table(http, f"{base}/services")
    assert columns(services) == ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"]
    assert services["rows"][0]["cells"][4] == "80/TCP"
    assert table(http, "/api/v1/namespaces")["rows"][0]["cells"][1] == "Active"


def test_every_kind_can_be_shown_as_a_table(http: Http) -> None:
    for group in [
        "api/v1",
        *(f"apis/{g['preferredVersion']['groupVersion']}" for g in http.ok("GET", "/apis")["groups"]),
    ]:
        for resource in http.ok("GET", f"/{group}")["resources"]:
            if "list" in resource["verbs"]:
                first = "Last Seen" if resource["name"] == "events" else "Name"
                assert columns(table(http, f"/{group}/{resource['name']}"))[0] == first


def test_metadata_only_lists(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    body = http.client.get(spinapps(namespace), headers=accept).json()
    assert body["kind"] == "PartialObjectMetadataList"
    assert set(body["items"][0]) == {"kind", "apiVersion", "metadata"}


OBJECT = {"a": {"b": [{"type": "Ready", "v": 1}, {"type": "Other", "v": 2}]}, "m": {"x.y": "z", "k": "w"}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".a.b[0].v", [1]),
        ("{.a.b[*].v}", [1, 2]),
        ('.a.b[?(@.type=="Other")].v', [2]),
        (".m['x.y']", ["z"]),
        (".m.x\\.y", ["z"]),
        (".a.none.v", []),
        (".a.b[7].v", []),
        ("..a", []),
    ],
)
def test_json_path(path: str, expected: list[Any]) -> None:
    assert json_path(OBJECT, path) == expected


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
