"""Server-side apply: upsert, ownership of fields, conflicts, removal of what a manager no longer applies."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api import field_sets
from local.tests.kubernetes_api.conftest import Http, deployment, spinapp, spinapps


def ok(response: Any) -> Any:
    assert response.is_success, response.text
    return response.json()


def managers(obj: dict[str, Any]) -> set[tuple[str, str]]:
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]}


def test_apply_creates_then_updates(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    first = http.apply(path, spinapp("s"), "svc")
    assert first.status_code == 201
    assert managers(first.json()) == {("svc", "Apply")}
    second = http.apply(path, spinapp("s", replicas=2), "svc")
    assert second.status_code == 200
    assert second.json()["spec"]["replicas"] == 2
    third = ok(http.apply(path, spinapp("s", replicas=2), "svc"))
    assert third["metadata"]["resourceVersion"] == second.json()["metadata"]["resourceVersion"]


def test_a_field_that_is_no_longer_applied_goes(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    ok(http.apply(path, spinapp("s", variables=[{"name": "x", "value": "1"}]), "svc"))
    after = ok(http.apply(path, spinapp("s"), "svc"))
    assert "variables" not in after["spec"]
    assert after["spec"]["enableAutoscaling"] is False  # a default belongs to nobody and stays


def test_a_field_that_another_manager_applies_too_stays(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    ok(http.apply(path, spinapp("s", serviceAccountName="sa"), "one"))
    ok(http.apply(path, spinapp("s", serviceAccountName="sa"), "two"))
    assert ok(http.apply(path, spinapp("s"), "one"))["spec"]["serviceAccountName"] == "sa"
    assert "serviceAccountName" not in ok(http.apply(path, spinapp("s"), "two"))["spec"]


def test_conflict_names_manager_and_field_and_force_takes_over(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    ok(http.apply(path, spinapp("s"), "svc"))
    refused = http.apply(path, spinapp("s", replicas=5, image="other"), "other")
    status = refused.json()
    assert (refused.status_code, status["reason"]) == (409, "Conflict")
    assert status["message"] == (
        'Apply failed with 2 conflicts: conflicts with "svc":\n- .spec.image\n- .spec.replicas'
    )
    assert status["details"]["causes"][0] == {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "svc"',
        "field": ".spec.image",
    }
    forced = ok(http.apply(path, spinapp("s", replicas=5, image="other"), "other", force="true"))
    assert forced["spec"]["replicas"] == 5
    again = http.apply(path, spinapp("s", replicas=1, image="other"), "svc").json()
    assert again["message"] == 'Apply failed with 1 conflict: conflict with "other": .spec.replicas'


def test_an_update_takes_the_fields_that_it_changes(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    ok(http.apply(path, spinapp("s"), "svc"))
    patched = http.ok(
        "PATCH", path, {"spec": {"replicas": 4}}, "application/merge-patch+json", fieldManager="kubectl-edit"
    )
    assert managers(patched) == {("svc", "Apply"), ("kubectl-edit", "Update")}
    message = http.apply(path, spinapp("s"), "svc").json()["message"]
    assert message == (
        'Apply failed with 1 conflict: conflict with "kubectl-edit" using core.spinkube.dev/v1alpha1: .spec.replicas'
    )


def test_unapplied_fields_of_others_are_left_alone(http: Http, namespace: str) -> None:
    base = f"/apis/apps/v1/namespaces/{namespace}/deployments/d"
    ok(http.apply(base, deployment("d"), "operator"))
    scaled = http.ok("PATCH", base, {"spec": {"replicas": 3}}, "application/merge-patch+json")
    assert scaled["spec"]["replicas"] == 3
    assert ok(http.apply(base, deployment("d"), "operator", force="true"))["spec"]["replicas"] == 3


def test_keyed_lists_merge_item_by_item(http: Http, namespace: str) -> None:
    base = f"/apis/apps/v1/namespaces/{namespace}/deployments/d"
    ok(http.apply(base, deployment("d"), "operator"))
    side = deployment("d")
    side["spec"]["template"]["spec"]["containers"] = [{"name": "side", "image": "s:1"}]
    both = ok(http.apply(base, side, "injector"))
    assert [c["name"] for c in both["spec"]["template"]["spec"]["containers"]] == ["c", "side"]
    entry = next(e for e in both["metadata"]["managedFields"] if e["manager"] == "injector")
    item = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"side"}']
    assert item == {".": {}, "f:image": {}, "f:name": {}}
    newer = deployment("d")
    newer["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
    after = ok(http.apply(base, newer, "operator"))
    assert [c["image"] for c in after["spec"]["template"]["spec"]["containers"]] == ["i:2", "s:1"]
    side["spec"]["template"]["spec"]["containers"][0]["image"] = "s:2"
    conflict = http.apply(base, side, "third").json()["message"]
    assert conflict.endswith('conflict with "injector": .spec.template.spec.containers[name="side"].image')
    without = {**side, "spec": {"selector": side["spec"]["selector"], "template": {"metadata": {"labels": {"x": "d"}}}}}
    left = ok(http.apply(base, without, "injector"))
    assert [c["name"] for c in left["spec"]["template"]["spec"]["containers"]] == ["c"]


def test_status_is_applied_at_its_own_endpoint(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    ok(http.apply(path, spinapp("s"), "svc"))
    status = {"apiVersion": "core.spinkube.dev/v1alpha1", "kind": "SpinApp", "status": {"readyReplicas": 1}}
    after = ok(http.apply(f"{path}/status", status, "operator"))
    assert after["status"] == {"readyReplicas": 1}
    assert after["spec"]["replicas"] == 1
    assert ("operator", "status") in [(e["manager"], e.get("subresource")) for e in after["metadata"]["managedFields"]]


def test_apply_needs_a_field_manager(http: Http, namespace: str) -> None:
    status = http.refused(422, "PATCH", spinapps(namespace, "s"), spinapp("s"), "application/apply-patch+yaml")
    assert "fieldManager: Required value" in status["message"]


def test_apply_refuses_what_is_not_its_object(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    assert http.apply(path, spinapp("other"), "svc").status_code == 400
    assert http.apply(path, deployment("s"), "svc").status_code == 400
    body = spinapp("s")
    body["metadata"]["managedFields"] = [{"manager": "x"}]
    assert http.apply(path, body, "svc").json()["message"] == "metadata.managedFields must be nil"


def test_apply_of_an_unknown_field_fails_as_on_the_real_server(http: Http, namespace: str) -> None:
    for place in ("", namespace):  # the message names the namespace only if the configuration does
        body = spinapp("s", imagee="x")
        body["metadata"] |= {"namespace": place} if place else {}
        response = http.apply(spinapps(namespace, "s"), body, "svc")
        assert response.status_code == 500
        where = f"{place}/s"
        assert response.json()["message"] == (
            f"failed to create typed patch object ({where}; core.spinkube.dev/v1alpha1, Kind=SpinApp): "
            ".spec.imagee: field not declared in schema"
        )


def test_dry_run_of_an_apply_changes_nothing(http: Http, namespace: str) -> None:
    path = spinapps(namespace, "s")
    assert http.apply(path, spinapp("s"), "svc", dryRun="All").status_code == 201
    http.refused(404, "GET", path)


STEPS = st.one_of(
    st.text("abc", min_size=1, max_size=3).map(lambda name: f"f:{name}"),
    st.text("abc", max_size=3).map(lambda name: "k:" + json.dumps({"name": name}, separators=(",", ":"))),
    st.text("abc", max_size=3).map(lambda value: "v:" + json.dumps(value)),
)


@given(st.sets(st.lists(STEPS, min_size=1, max_size=4).map(tuple), max_size=6))
def test_field_sets_survive_encoding(paths: set[field_sets.Path]) -> None:
    # A field is a leaf, or an item of a keyed list: drop generated paths that go through another leaf.
    paths = {
        path
        for path in paths
        if path[-1].startswith("k:") or not any(other != path and other[: len(path)] == path for other in paths)
    }
    tree = field_sets.encode(paths)
    assert field_sets.decode(tree) == paths
    assert field_sets.decode(json.loads(json.dumps(tree))) == paths
