"""Patches: RFC 7386, strategic merge, and how the server takes them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.patches import merge_patch, strategic_merge_patch
from local.kubernetes.api.schemas import BUILTIN
from local.tests.kubernetes_api.conftest import Http, deployment, spinapp, spinapps

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

SCALARS = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=3))
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
WITH_NULLS = st.recursive(
    SCALARS | st.none(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3)
)


def difference(before: Any, after: Any) -> Any:
    """The merge patch from one null-free value to another."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before:
            patch[key] = value
        elif before[key] != value or type(before[key]) is not type(value):
            patch[key] = difference(before[key], value)
    return patch


@given(OBJECTS, OBJECTS)
def test_merge_patch_of_a_difference_gives_the_target(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = copy.deepcopy(before)
    assert merge_patch(before, difference(before, after)) == after
    assert before == kept


@given(VALUES, WITH_NULLS)
def test_merge_patch_is_idempotent_and_leaves_no_null_in_objects(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once

    def has_null(value: Any) -> bool:
        return isinstance(value, dict) and any(item is None or has_null(item) for item in value.values())

    assert not has_null(once)


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [  # RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_examples_of_the_rfc(target: Any, patch: Any, expected: Any) -> None:
    assert merge_patch(target, patch) == expected


POD = BUILTIN["V1PodSpec"]


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ([{"name": "a", "image": "1"}], [{"name": "b", "image": "2"}], [("b", "2"), ("a", "1")]),
        ([{"name": "a", "image": "1"}], [{"name": "a", "image": "2"}], [("a", "2")]),
        ([{"name": "a", "image": "1"}, {"name": "b"}], [{"name": "a", "$patch": "delete"}], [("b", None)]),
        ([{"name": "a"}], [{"$patch": "replace"}, {"name": "z"}], [("z", None)]),
    ],
)
def test_strategic_merge_of_containers(target: Any, patch: Any, expected: Any) -> None:
    result = strategic_merge_patch({"containers": target}, {"containers": patch}, POD)
    assert [(item["name"], item.get("image")) for item in result["containers"]] == expected


def test_strategic_merge_directives() -> None:
    meta = BUILTIN["V1ObjectMeta"]
    both = {"finalizers": ["a", "b"]}
    assert strategic_merge_patch(both, {"$deleteFromPrimitiveList/finalizers": ["a"]}, meta) == {"finalizers": ["b"]}
    assert strategic_merge_patch(both, {"finalizers": ["c"]}, meta) == {"finalizers": ["a", "b", "c"]}
    deployment_spec = BUILTIN["V1DeploymentSpec"]
    before = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic_merge_patch(before, patch, deployment_spec) == {"strategy": {"type": "Recreate"}}


def test_merge_patch_over_http_deletes_by_null(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    body = {"metadata": {"labels": {"team": None}}, "spec": {"replicas": 3}}
    after = http.ok("PATCH", spinapps(namespace, "a"), body, MERGE)
    assert after["spec"]["replicas"] == 3
    assert after["spec"]["image"] == "registry.example/x:1"
    assert after["metadata"]["labels"] == {"app": "a"}


def test_strategic_merge_patch_over_http_merges_containers_by_name(http: Http, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    http.ok("POST", path, deployment("a"))
    body = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s"}]}}}}
    after = http.ok("PATCH", f"{path}/a", body, STRATEGIC)
    assert [item["name"] for item in after["spec"]["template"]["spec"]["containers"]] == ["side", "c"]


def test_custom_resources_take_no_strategic_merge_patch(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    status = http.refused(415, "PATCH", spinapps(namespace, "a"), {"spec": {"replicas": 2}}, STRATEGIC)
    assert status["reason"] == "UnsupportedMediaType"
    assert "application/merge-patch+json" in status["message"]
    http.refused(415, "PATCH", spinapps(namespace, "a"), {"spec": {"replicas": 2}}, "application/json")


def test_a_patch_with_an_old_version_is_a_conflict(http: Http, namespace: str) -> None:
    first = http.ok("POST", spinapps(namespace), spinapp("a"))
    body = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "spec": {"replicas": 2}}
    http.ok("PATCH", spinapps(namespace, "a"), body, MERGE)
    assert http.refused(409, "PATCH", spinapps(namespace, "a"), body, MERGE)["reason"] == "Conflict"
