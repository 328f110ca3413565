"""A rollback undoes what deploys have changed, and nothing else: any order of deploys and of changes by hand."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.cluster import changes, history, manifests
from functions.cluster.history import merged
from functions.cluster.images import Image
from functions.cluster.resources import AUTOSCALERS, SPIN_APPS
from functions.cluster.settings import DeploySettings
from functions.models.deploy import DeployRequest
from functions.models.quantity import amount
from tests.unit.cluster.conftest import IMAGE, SETTINGS, Deploy, deployed
from tests.unit.cluster.kubernetes_server import Administrator

DEPLOY_SETTINGS = DeploySettings.model_validate(SETTINGS)
NAME = "my-function"
V2 = IMAGE.replace("a1b2c3d4", "v2")

TEXTS = st.sampled_from(["a", "b"])
BY_US = st.fixed_dictionaries(
    {},
    optional={
        "function_id": TEXTS,
        "cpu_limit": st.sampled_from(["1", "1000m", "2"]),
        "memory_limit": st.sampled_from(["256Mi", "1Gi"]),
        "variables": st.dictionaries(st.sampled_from(["ours", "ours_too"]), TEXTS | st.none(), min_size=1),
        "image_pull_secret": TEXTS,
        "runtime_config": TEXTS,
    },
)
BY_HAND = st.fixed_dictionaries(
    {},
    optional={
        "podLabels": st.dictionaries(st.sampled_from(["team", "tier"]), TEXTS | st.none(), min_size=1),
        "resources": st.fixed_dictionaries({"limits": st.fixed_dictionaries({"example.com/gpu": TEXTS})}),
        "variables": st.lists(st.sampled_from(["theirs", "theirs_too"]), unique=True),
        "imagePullSecrets": st.lists(st.sampled_from(["x", "y"]), unique=True),
        "runtimeConfig": st.fixed_dictionaries({"llmCompute": st.fixed_dictionaries({"type": TEXTS})}),
    },
)
STEPS = st.lists(st.tuples(st.just("us"), BY_US) | st.tuples(st.just("hand"), BY_HAND), min_size=1, max_size=6)


def by_us(app: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    request = DeployRequest(namespace="n", image_ref=IMAGE, enable_autoscaling=False, **fields)
    return written(app, changes.update(app, request, Image(IMAGE, IMAGE), DEPLOY_SETTINGS, "me"))


def written(app: dict[str, Any], change: changes.Change) -> dict[str, Any]:
    return merged(app, change.patch({**app, "metadata": {**app["metadata"], "resourceVersion": "1"}}, "request"))


def by_hand(app: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """What kubectl edit makes of it: their items of a list set, ours kept."""
    patch: dict[str, Any] = dict(fields)
    for field in ("variables", "imagePullSecrets"):
        if field in fields:
            kept = [item for item in app["spec"].get(field, []) if not is_theirs(item["name"])]
            patch[field] = kept + [{"name": name, "value": "1"} for name in fields[field]]
    return merged(app, {"spec": patch})


def is_theirs(name: str) -> bool:
    return name.startswith("theirs") or name in ("x", "y", "team", "tier", "example.com/gpu", "llmCompute")


def parts(app: dict[str, Any], *, theirs: bool) -> dict[tuple[str, ...], Any]:
    """Leaves of the shared maps and lists, ours or theirs."""
    spec = app["spec"]
    maps = {
        ("podLabels",): spec.get("podLabels") or {},
        ("limits",): (spec.get("resources") or {}).get("limits") or {},
        ("runtimeConfig",): spec.get("runtimeConfig") or {},
        **{
            (field,): {item["name"]: item for item in spec.get(field) or []}
            for field in ("variables", "imagePullSecrets")
        },
    }
    maps["limits",] = {kind: limit if is_theirs(kind) else amount(limit) for kind, limit in maps["limits",].items()}
    leaves = {(*where, name): value for where, whole in maps.items() for name, value in whole.items()}
    return {path: value for path, value in leaves.items() if is_theirs(path[-1]) is theirs}


@settings(deadline=None)
@given(first=BY_US, steps=STEPS, back=st.integers(0, 6))
def test_ours_are_as_they_were_and_theirs_as_they_are(
    first: dict[str, Any], steps: list[tuple[str, dict[str, Any]]], back: int
) -> None:
    request = DeployRequest(namespace="n", image_ref=IMAGE, enable_autoscaling=False, **first)
    app = manifests.spin_app(request, Image(IMAGE, IMAGE), NAME, DEPLOY_SETTINGS, "request", "me", None)
    ours = [parts(app, theirs=False)]
    for who, fields in steps:
        app = by_us(app, fields) if who == "us" else by_hand(app, fields)
        if who == "us":
            ours.append(parts(app, theirs=False))
    number = min(back, len(ours) - 1)
    theirs = parts(app, theirs=True)
    revision = history.revisions(app)[number]

    after = written(app, changes.rollback(app, revision, DEPLOY_SETTINGS, "me"))

    assert parts(after, theirs=True) == theirs
    assert parts(after, theirs=False) == ours[number]
    assert history.current(after).rollback_of == number + 1


def test_what_others_put_into_our_maps_stays(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME, function_id="a", variables={"ours": "1"}, image_pull_secret="first")
    theirs = {
        "podLabels": {"team": "x"},
        "resources": {"limits": {"example.com/gpu": "1"}},
        "variables": [{"name": "ours", "value": "1"}, {"name": "theirs", "value": "1"}],
        "imagePullSecrets": [{"name": "first"}, {"name": "theirs"}],
    }
    kubectl.patch(SPIN_APPS, NAME, {"spec": theirs})
    kubectl.patch(AUTOSCALERS, NAME, {"spec": {"maxReplicas": 17}})
    deploy(
        app_name=NAME, image_ref=V2, function_id="b", variables={"ours": "2"}, image_pull_secret="second", target_cpu=70
    )

    assert call("POST", f"/{NAME}/rollback", {}).status == 200

    spec = kubectl.get(SPIN_APPS, NAME)["spec"]
    assert spec["image"] == deployed(IMAGE)
    assert spec["podLabels"] == {"function_id": "a", "team": "x"}
    assert spec["resources"]["limits"] == {"example.com/gpu": "1"}
    assert {item["name"]: item["value"] for item in spec["variables"]} == {"ours": "1", "theirs": "1"}
    assert {item["name"] for item in spec["imagePullSecrets"]} == {"first", "theirs"}
    autoscaler = kubectl.get(AUTOSCALERS, NAME)["spec"]
    assert autoscaler["maxReplicas"] == 17
    assert autoscaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 50


def test_a_limit_by_others_under_the_request_gone_back_to(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME, cpu_request="800m")
    deploy(app_name=NAME, cpu_request="200m")
    kubectl.patch(SPIN_APPS, NAME, {"spec": {"resources": {"limits": {"cpu": "500m"}}}})
    answer = call("POST", f"/{NAME}/rollback", {})
    assert (answer.status, "cpu request 800m exceeds cpu limit 500m" in answer.detail) == (422, True)


def test_an_app_that_others_have_switched_to_autoscaling_stays_switched(
    deploy: Deploy, call: Deploy, kubectl: Administrator
) -> None:
    deploy(app_name=NAME, enable_autoscaling=False, replicas=3)
    deploy(app_name=NAME, replicas=5)
    kubectl.patch(SPIN_APPS, NAME, {"spec": {"enableAutoscaling": True, "replicas": None}})
    assert call("POST", f"/{NAME}/rollback", {}).status == 200
    spec = kubectl.get(SPIN_APPS, NAME)["spec"]
    assert (spec["enableAutoscaling"], spec.get("replicas")) == (True, None)


def test_going_back_makes_no_autoscaler_for_an_app_scaled_by_other_means(
    deploy: Deploy, call: Deploy, kubectl: Administrator
) -> None:
    kubectl.create_app(NAME, {"executor": "spot", "image": IMAGE, "enableAutoscaling": True})
    deploy(app_name=NAME, image_ref=V2)
    assert call("POST", f"/{NAME}/rollback", {}).status == 200
    assert kubectl.list(AUTOSCALERS) == []


def test_quantities_that_kubernetes_writes_otherwise_are_no_change(deploy: Deploy, call: Deploy) -> None:
    deploy(app_name=NAME, cpu_limit="1000m", memory_limit="1024Mi", cpu_request="0.05")
    assert deploy(app_name=NAME, cpu_limit="1000m", memory_limit="1024Mi", cpu_request="0.05").status == 200
    deploy(app_name=NAME, image_ref=V2)
    call("POST", f"/{NAME}/rollback", {})
    changed = [entry["changed"] for entry in call("GET", f"/{NAME}/revisions").body["revisions"]]
    assert changed[:3] == [["image"], ["image"], []]
