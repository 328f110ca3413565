"""Deletion: owner references, finalizers, namespaces, preconditions, graceful end of pods."""

from typing import Any

import pytest

from local.tests.kubernetes_api.conftest import Http, spinapp, spinapps

MERGE = "application/merge-patch+json"


def config_maps(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def owned(name: str, *owners: dict[str, Any], **more: Any) -> dict[str, Any]:
    references = [
        {"apiVersion": o["apiVersion"], "kind": o["kind"], "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]}
        for o in owners
    ]
    return {"metadata": {"name": name, "ownerReferences": references, **more}}


def owners(obj: dict[str, Any]) -> list[str]:
    return [reference["name"] for reference in obj["metadata"].get("ownerReferences") or []]


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_dependents_go_with_their_owner(http: Http, namespace: str, policy: str) -> None:
    app = http.ok("POST", spinapps(namespace), spinapp("a"))
    child = http.ok("POST", config_maps(namespace), owned("child", app))
    http.ok("POST", config_maps(namespace), owned("grandchild", child))
    http.ok("DELETE", spinapps(namespace, "a"), propagationPolicy=policy)
    for path in (spinapps(namespace, "a"), config_maps(namespace, "child"), config_maps(namespace, "grandchild")):
        http.gone(path)


def test_a_dependent_with_another_owner_stays(http: Http, namespace: str) -> None:
    one, two = (http.ok("POST", spinapps(namespace), spinapp(name)) for name in ("one", "two"))
    http.ok("POST", config_maps(namespace), owned("child", one, two))
    http.ok("DELETE", spinapps(namespace, "one"))
    http.until(config_maps(namespace, "child"), lambda child: owners(child) == ["two"])


def test_a_dependent_made_after_its_owner_went_is_collected(http: Http, namespace: str) -> None:
    app = http.ok("POST", spinapps(namespace), spinapp("a"))
    http.ok("DELETE", spinapps(namespace, "a"))
    http.ok("POST", config_maps(namespace), owned("late", app))
    http.gone(config_maps(namespace, "late"))


def test_a_finalizer_holds_an_object_until_it_is_taken_off(http: Http, namespace: str) -> None:
    body = {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}}
    http.ok("POST", config_maps(namespace), body)
    marked = http.ok("DELETE", config_maps(namespace, "c"))
    assert marked["metadata"]["deletionTimestamp"]
    again = http.ok("DELETE", config_maps(namespace, "c"))
    assert again["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
    assert "no new finalizers" in http.refused(422, "PATCH", config_maps(namespace, "c"), more, MERGE)["message"]
    http.ok("PATCH", config_maps(namespace, "c"), {"metadata": {"finalizers": []}}, MERGE)
    http.gone(config_maps(namespace, "c"))


def test_preconditions(http: Http, namespace: str) -> None:
    made = http.ok("POST", config_maps(namespace), {"metadata": {"name": "c"}})
    wrong = {"preconditions": {"uid": "other"}}
    status = http.refused(409, "DELETE", config_maps(namespace, "c"), wrong)
    assert (status["reason"], "the UID in the precondition" in status["message"]) == ("Conflict", True)
    http.refused(409, "DELETE", config_maps(namespace, "c"), {"preconditions": {"resourceVersion": "1"}})
    http.ok("DELETE", config_maps(namespace, "c"), {"preconditions": {"uid": made["metadata"]["uid"]}})


def test_bad_delete_options(http: Http, namespace: str) -> None:
    status = http.refused(422, "DELETE", spinapps(namespace, "a"), propagationPolicy="Sideways")
    assert status["message"].startswith('DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value')
    http.refused(400, "DELETE", spinapps(namespace, "a"), gracePeriodSeconds="soon")


@pytest.mark.stand_in_only("it serves what the stand-in refuses rather than serve it otherwise")
@pytest.mark.parametrize("way", [{"propagationPolicy": "Orphan"}, {"orphanDependents": "true"}])
def test_dependents_are_not_orphaned(http: Http, namespace: str, way: dict[str, str]) -> None:
    assert "Unsupported value" in http.refused(422, "DELETE", spinapps(namespace, "a"), **way)["message"]


def test_a_namespace_takes_its_content_with_it(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    http.ok("DELETE", f"/api/v1/namespaces/{namespace}")
    http.gone(f"/api/v1/namespaces/{namespace}")
    everywhere = http.ok("GET", "/apis/core.spinkube.dev/v1alpha1/spinapps")["items"]
    assert not [item for item in everywhere if item["metadata"]["namespace"] == namespace]


def test_a_terminating_namespace_takes_nothing_new(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    http.ok("POST", config_maps(namespace), {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}})
    assert http.ok("DELETE", path)["status"]["phase"] == "Terminating"
    status = http.refused(403, "POST", config_maps(namespace), {"metadata": {"name": "d"}})
    assert status["message"] == (
        f'configmaps "d" is forbidden: unable to create new content in namespace {namespace} because it is being '
        "terminated"
    )
    http.ok("PATCH", config_maps(namespace, "c"), {"metadata": {"finalizers": None}}, MERGE)
    http.gone(path)


def test_the_default_namespace_stays(http: Http) -> None:
    assert http.refused(403, "DELETE", "/api/v1/namespaces/default")["reason"] == "Forbidden"


def test_a_pod_on_a_node_ends_gracefully(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    http.ok("POST", path, body)
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    http.ok("POST", f"{path}/p/binding", binding)
    bound = http.ok("GET", f"{path}/p")
    assert bound["spec"]["nodeName"] == "n1"
    assert [item["type"] for item in bound["status"]["conditions"]] == ["PodScheduled"]
    assert http.refused(409, "POST", f"{path}/p/binding", binding)["reason"] == "Conflict"
    marked = http.ok("DELETE", f"{path}/p")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    http.ok("PATCH", f"{path}/p/status", {"status": {"phase": "Running"}}, MERGE)  # the kubelet still reports
    assert http.ok("GET", f"{path}/p")["status"]["phase"] == "Running"
    http.ok("DELETE", f"{path}/p", {"gracePeriodSeconds": 0})
    http.refused(404, "GET", f"{path}/p")


def test_a_pod_on_no_node_goes_at_once(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    http.ok("POST", path, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    http.ok("DELETE", f"{path}/p")
    http.refused(404, "GET", f"{path}/p")
