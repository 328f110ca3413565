"""Apps that are there: what GET says of them, what DELETE takes away, and what failures of the cluster come to."""

from typing import Any

import pytest

from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, EVENTS, PODS, SERVICES, SPIN_APPS
from tests.unit.cluster.conftest import IMAGE, Deploy, deployed, digest_of, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer
from tests.unit.cluster.test_rollout import add_pod, roll_out, set_status

NAME = "my-function"
V2 = IMAGE.replace("a1b2c3d4", "v2")


def add_event(kubectl: Administrator, about: str, reason: str, message: str, at: str, kind: str = "Pod") -> None:
    involved = {"apiVersion": "v1", "kind": kind, "name": about, "namespace": kubectl.namespace}
    body = {"involvedObject": involved, "reason": reason, "message": message, "type": "Warning"}
    times = {"firstTimestamp": at, "lastTimestamp": at, "count": 3}
    path = EVENTS.path(kubectl.namespace)
    metadata = {"name": f"{about}.{reason.lower()}", "namespace": kubectl.namespace}
    response = kubectl._http.post(
        path, json={"apiVersion": "v1", "kind": "Event", "metadata": metadata, **body, **times}
    )
    assert response.is_success, response.text


def test_an_app_that_serves(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME, max_replicas=4, use_spot=False)
    set_status(kubectl, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    answer = call("GET", f"/{NAME}")
    assert answer.status == 200
    state = answer.body
    assert (state["app_name"], state["namespace"], state["status"]) == (NAME, kubectl.namespace, "available")
    assert (state["image"], state["digest"], state["revision"]) == (IMAGE, digest_of(IMAGE), 1)
    assert (state["error"], state["problems"], state["managed"]) == (None, [], True)
    assert state["service_status"] == "found"
    assert state["endpoint"] == f"{NAME}.{kubectl.namespace}.svc.cluster.local"
    assert state["replicas"] == {"desired": 1, "ready": 1, "updated": 1, "restarts": 0}
    assert (state["enable_autoscaling"], state["use_spot"]) == (True, False)
    assert state["autoscaling"] == {
        "min_replicas": 1,
        "max_replicas": 4,
        "target_cpu": 50,
        "current_cpu": None,
        "desired_replicas": 0,
    }


def test_an_app_that_the_operator_has_not_seen(call: Deploy, deploy: Deploy, server: KubernetesServer) -> None:
    server.operator_runs = False
    deploy(app_name=NAME, enable_autoscaling=False, replicas=3, seconds=1.5)
    state = call("GET", f"/{NAME}").body
    assert (state["status"], state["error"], state["service_status"]) == ("progressing", None, "pending")
    assert state["replicas"] == {"desired": None, "ready": 0, "updated": 0, "restarts": 0}
    assert state["autoscaling"] is None


def test_an_app_that_does_not_come_up(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    add_pod(kubectl, deployed(IMAGE), "ImagePullBackOff", f"Back-off pulling image {deployed(IMAGE)}")
    add_event(kubectl, "pod-imagepullbackoff", "Failed", "not found", "2026-11-24T03:00:02Z")
    add_event(kubectl, NAME, "Older", "about the app", "2026-11-24T03:00:01Z", kind="SpinApp")
    add_event(kubectl, "another-app", "Other", "of no interest", "2026-11-24T03:00:03Z")
    state = call("GET", f"/{NAME}").body
    assert state["status"] == "failing"
    assert deployed(IMAGE) in state["error"]
    assert [(p["pod"], p["reason"]) for p in state["problems"]] == [("pod-imagepullbackoff", "ImagePullBackOff")]
    assert [(e["object"], e["reason"], e["count"]) for e in state["events"]] == [
        ("Pod/pod-imagepullbackoff", "Failed", 3),
        (f"SpinApp/{NAME}", "Older", 3),
    ]


@pytest.mark.parametrize("wait", [False, True])
def test_a_node_without_the_runtime(call: Deploy, deploy: Deploy, kubectl: Administrator, wait: bool) -> None:
    deploy(app_name=NAME, enable_autoscaling=False)
    labels = {"core.spinkube.dev/app-name": NAME, f"core.spinkube.dev/app.{NAME}.status": "ready"}
    kubectl.create(PODS, "pod-1", {"containers": [{"name": NAME, "image": deployed(IMAGE)}]}, labels=labels)
    kubectl.patch(PODS, "pod-1", {"status": {"phase": "Pending"}}, "/status")
    text = 'Failed to create pod sandbox: no runtime for "spin" is configured'
    add_event(kubectl, "pod-1", "FailedCreatePodSandBox", text, "2026-11-24T03:00:02Z")
    answer = deploy(app_name=NAME, wait=True) if wait else call("GET", f"/{NAME}")
    assert answer.body["error"] == f"FailedCreatePodSandBox: {text}"


def test_an_image_set_by_hand_is_told_as_it_is(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    kubectl.patch(SPIN_APPS, NAME, {"spec": {"image": "ghcr.io/their/app:v9"}})
    state = call("GET", f"/{NAME}").body
    assert (state["image"], state["digest"]) == ("ghcr.io/their/app:v9", None)


def test_conditions_of_both(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    condition = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "none"}
    set_status(kubectl, conditions=[condition])
    time = {"lastTransitionTime": "2026-11-24T03:00:00Z"}
    kubectl.patch(SPIN_APPS, NAME, {"status": {"conditions": [{**condition, **time}], "readyReplicas": 0}}, "/status")
    found = call("GET", f"/{NAME}").body["conditions"]
    assert [(c["source"], c["type"], c["status"]) for c in found] == [
        ("SpinApp", "Available", "False"),
        ("Deployment", "Available", "False"),
    ]


def test_the_apps_of_a_namespace(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    assert call("GET").body == {"namespace": kubectl.namespace, "apps": []}
    deploy(app_name="b", image_ref=V2)
    deploy(app_name="a", enable_autoscaling=False)
    kubectl.create_app("c", {"executor": "on-demand", "image": "ghcr.io/their/app:v1", "replicas": 1})
    a, b, c = call("GET").body["apps"]
    assert [app["app_name"] for app in (a, b, c)] == ["a", "b", "c"]
    assert (b["image"], b["digest"], b["revision"], b["enable_autoscaling"]) == (V2, digest_of(V2), 1, True)
    assert [app["managed"] for app in (a, b, c)] == [True, True, False]
    assert (c["use_spot"], c["available"], c["ready_replicas"]) == (False, None, 0)


def test_no_such_namespace_and_no_such_app(call: Deploy) -> None:
    missing = {"path": "/api/v1/apps/missing/my-function"}
    for method, path in (("GET", ""), ("GET", "/revisions"), ("POST", "/rollback"), ("DELETE", "")):
        answer = call(method, f"/{NAME}{path}", {} if method == "POST" else None)
        assert (answer.status, NAME in answer.detail) == (404, True)
        answer = invoke_raw("{}" if method == "POST" else "", method=method, path=missing["path"] + path)
        assert (answer.status, answer.detail) == (404, "Namespace 'missing' not found")
    answer = invoke_raw("", method="GET", path="/api/v1/apps", query={"namespace": "missing"})
    assert (answer.status, answer.detail) == (404, "Namespace 'missing' not found")


@pytest.mark.parametrize("name", ["Upper", "a" * 53, "1st", "under_score"])
def test_a_name_that_can_be_no_apps(call: Deploy, server: KubernetesServer, name: str) -> None:
    assert call("GET", f"/{name}").status == 422
    assert server.calls == []


def test_deleting_takes_app_and_autoscaler_and_nothing_else(
    call: Deploy, deploy: Deploy, kubectl: Administrator
) -> None:
    deploy(app_name=NAME)
    deploy(app_name="neighbour")
    kubectl.create(AUTOSCALERS, "theirs", kubectl.get(AUTOSCALERS, "neighbour")["spec"])
    answer = call("DELETE", f"/{NAME}")
    assert (answer.status, answer.body["message"]) == (200, "App deleted")
    assert [app["metadata"]["name"] for app in kubectl.list(SPIN_APPS)] == ["neighbour"]
    assert {a["metadata"]["name"] for a in kubectl.list(AUTOSCALERS)} == {"neighbour", "theirs"}
    assert [s["metadata"]["name"] for s in kubectl.list(SERVICES)] == ["neighbour"]
    assert [d["metadata"]["name"] for d in kubectl.list(DEPLOYMENTS)] == ["neighbour"]
    assert call("DELETE", f"/{NAME}").status == 404


def test_an_app_made_by_hand_is_not_deleted(call: Deploy, kubectl: Administrator) -> None:
    kubectl.create_app(NAME, {"executor": "spot", "image": IMAGE, "replicas": 1})
    answer = call("DELETE", f"/{NAME}")
    assert (answer.status, "kubectl" in answer.detail) == (409, True)
    assert kubectl.get(SPIN_APPS, NAME)


def test_an_autoscaler_of_something_else_stays(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME, enable_autoscaling=False)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    kubectl.create(AUTOSCALERS, NAME, {"scaleTargetRef": reference, "maxReplicas": 3})
    assert call("DELETE", f"/{NAME}").status == 200
    assert kubectl.get(AUTOSCALERS, NAME)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_lost_answer_of_a_deletion(
    call: Deploy, deploy: Deploy, kubectl: Administrator, server: KubernetesServer, cut: str
) -> None:
    deploy(app_name=NAME)
    server.fail(verb="delete", plural="spinapps", cut=cut)
    answer = call("DELETE", f"/{NAME}")
    assert answer.status == (200 if cut == "after" else 502)
    assert (kubectl.find(SPIN_APPS, NAME) is None) is (cut == "after")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 401, "reason": "Unauthorized"}, 502),
        ({"status": 403, "reason": "Forbidden"}, 502),
        ({"status": 409, "reason": "Conflict"}, 409),
        ({"status": 429, "reason": "TooManyRequests"}, 503),
        ({"status": 500, "reason": "InternalError"}, 502),
        ({"cut": "before"}, 502),
        ({"delay": 0.9}, 504),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("GET", "", "get"),
        ("GET", None, "list"),
        ("GET", "/revisions", "get"),
        ("POST", "/rollback", "patch"),
        ("DELETE", "", "delete"),
    ],
)
def test_failures_of_the_cluster(
    call: Deploy,
    deploy: Deploy,
    kubectl: Administrator,
    server: KubernetesServer,
    method: str,
    path: str | None,
    verb: str,
    fault: dict[str, Any],
    status: int,
) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    before = kubectl.get(SPIN_APPS, NAME)
    server.fail(verb=verb, plural="spinapps", **fault, times=9999)
    body: dict[str, Any] | None = {} if method == "POST" else None
    # A conflict is tried again as long as there is time.
    seconds = 1.0 if "delay" in fault else 3.0 if status == 409 else 29.0
    answer = call(method, "" if path is None else f"/{NAME}{path}", body, seconds=seconds)
    assert answer.status == status
    assert answer.detail
    assert ("Retry-After" in answer.headers) is (status == 503)
    server.faults.clear()
    if "delay" not in fault:
        assert kubectl.get(SPIN_APPS, NAME) == before
        assert kubectl.get(AUTOSCALERS, NAME)


def test_rolling_out_is_no_failure(call: Deploy, deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    assert call("GET", f"/{NAME}").body["status"] == "progressing"
    roll_out(kubectl, deployed(V2))
    set_status(kubectl, replicas=2, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    assert call("GET", f"/{NAME}").body["status"] == "progressing"
