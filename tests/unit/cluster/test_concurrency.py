"""Deploys at once, somebody with kubectl in between, answers that get lost: nothing is overwritten or half applied."""

import threading
from typing import Any

import pytest

from functions.cluster.resources import AUTOSCALERS, SPIN_APPS
from tests.unit.cluster.conftest import IMAGE, Answer, Deploy, deployed
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

V2, V3 = IMAGE.replace("a1b2c3d4", "v2"), IMAGE.replace("a1b2c3d4", "v3")


def at_once(deploy: Deploy, requests: list[dict[str, Any]]) -> list[Answer]:
    """Send the requests from one thread each."""
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda r=r: answers.append(deploy(**r))) for r in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_change_in_between_is_kept(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    deploy(app_name="my-function", variables={"a": "1"})
    theirs = {"spec": {"variables": [{"name": "a", "value": "1"}, {"name": "theirs", "value": "x"}]}}
    server.fail(verb="patch", plural="spinapps", meanwhile=lambda: kubectl.patch(SPIN_APPS, "my-function", theirs))

    assert deploy(app_name="my-function", image_ref=V2, variables={"a": "2"}).status == 200

    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    assert spec["image"] == deployed(V2)
    assert spec["variables"] == [{"name": "theirs", "value": "x"}, {"name": "a", "value": "2"}]


def test_an_app_that_keeps_changing_is_a_conflict(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function")
    server.fail(verb="patch", plural="spinapps", status=409, reason="Conflict", times=9999)
    before = kubectl.get(SPIN_APPS, "my-function")
    answer = deploy(app_name="my-function", image_ref=V2, seconds=3.0)
    assert answer.status == 409
    assert kubectl.get(SPIN_APPS, "my-function") == before


@pytest.mark.parametrize("conflicts", [5, 9])
def test_an_app_that_changes_often_is_tried_until_the_deadline(
    deploy: Deploy, server: KubernetesServer, conflicts: int
) -> None:
    deploy(app_name="my-function")
    server.fail(verb="patch", plural="spinapps", status=409, reason="Conflict", times=conflicts)
    assert deploy(app_name="my-function", image_ref=V2).status == 200


def test_a_deploy_of_the_same_name_in_between_is_updated(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    spec = {"executor": "on-demand", "image": IMAGE, "replicas": 2}
    server.fail(verb="create", plural="spinapps", meanwhile=lambda: kubectl.create_app("my-function", spec))
    answer = deploy(app_name="my-function", image_ref=V2, enable_autoscaling=False)
    assert answer.status == 200
    app = kubectl.get(SPIN_APPS, "my-function")
    assert (app["spec"]["image"], app["spec"]["replicas"], app["spec"]["executor"]) == (deployed(V2), 2, "on-demand")


def test_updates_at_once_are_all_applied(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")
    requests: list[dict[str, Any]] = [{"variables": {f"v{number}": "x"}} for number in range(8)]
    answers = at_once(deploy, [{"app_name": "my-function", **request} for request in requests])
    assert [answer.status for answer in answers] == [200] * 8
    assert sorted(answer.body["revision"] for answer in answers) == list(range(2, 10))
    variables = kubectl.get(SPIN_APPS, "my-function")["spec"]["variables"]
    assert sorted(variable["name"] for variable in variables) == [f"v{number}" for number in range(8)]


def test_creates_at_once_make_one_app(deploy: Deploy, kubectl: Administrator) -> None:
    answers = at_once(deploy, [{"app_name": "my-function", "image_ref": image} for image in (V2, V3) * 3])
    assert [answer.status for answer in answers] == [200] * 6
    assert sorted(answer.body["revision"] for answer in answers) == list(range(1, 7))
    (app,) = kubectl.list(SPIN_APPS)
    (owner,) = kubectl.get(AUTOSCALERS, "my-function")["metadata"]["ownerReferences"]
    assert owner["uid"] == app["metadata"]["uid"]


@pytest.mark.parametrize("round_number", range(3))
def test_on_and_off_at_once_never_leave_a_contradiction(
    deploy: Deploy, kubectl: Administrator, round_number: int
) -> None:
    deploy(app_name="my-function", enable_autoscaling=round_number % 2 == 0)
    requests = [{"app_name": "my-function", "enable_autoscaling": on} for on in (True, False)]
    answers = at_once(deploy, requests)
    assert {answer.status for answer in answers} <= {200, 409}
    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    has_autoscaler = kubectl.find(AUTOSCALERS, "my-function") is not None
    assert (has_autoscaler, spec.get("replicas") is None) in {(True, True), (False, False)}
    assert spec["enableAutoscaling"] is has_autoscaler


def test_turned_off_while_the_autoscaler_is_made(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function", enable_autoscaling=False)
    server.fail(
        verb="create",
        plural="horizontalpodautoscalers",
        dry_run=False,
        meanwhile=lambda: deploy(app_name="my-function", enable_autoscaling=False),
    )
    deploy(app_name="my-function", enable_autoscaling=True)
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["enableAutoscaling"] is False
    assert kubectl.find(AUTOSCALERS, "my-function") is None


def test_turned_on_while_the_autoscaler_is_deleted(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function")
    server.fail(
        verb="patch",
        plural="spinapps",
        dry_run=False,
        meanwhile=lambda: deploy(app_name="my-function", enable_autoscaling=True),
    )
    assert deploy(app_name="my-function", enable_autoscaling=False).status == 200
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["enableAutoscaling"] is False
    assert kubectl.find(AUTOSCALERS, "my-function") is None


def test_an_autoscaler_that_an_earlier_deploy_makes_late(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "my-function"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3}
    server.fail(
        verb="patch",
        plural="spinapps",
        dry_run=False,
        meanwhile=lambda: kubectl.create(AUTOSCALERS, "my-function", spec),
    )
    assert deploy(app_name="my-function", enable_autoscaling=False).status == 200
    assert kubectl.find(AUTOSCALERS, "my-function") is None


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("named", [True, False])
def test_a_create_whose_answer_is_lost_makes_one_app(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, cut: str, named: bool
) -> None:
    server.fail(verb="create", plural="spinapps", cut=cut)
    answer = deploy(**({"app_name": "my-function"} if named else {}))
    if cut == "before" and not named:
        assert answer.status == 502
        assert kubectl.list(SPIN_APPS) == []
    else:
        assert answer.status == 200
        (app,) = kubectl.list(SPIN_APPS)
        assert app["metadata"]["name"] == answer.body["app_name"]
        assert kubectl.find(AUTOSCALERS, answer.body["app_name"]) is not None


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_update_whose_answer_is_lost_is_made_once(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, cut: str
) -> None:
    deploy(app_name="my-function")
    server.fail(verb="patch", plural="spinapps", cut=cut)
    answer = deploy(app_name="my-function", image_ref=V2)
    assert (answer.status, answer.body["image"], answer.body["revision"]) == (200, V2, 2)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_delete_whose_answer_is_lost(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, cut: str
) -> None:
    deploy(app_name="my-function")
    server.fail(verb="delete", cut=cut)
    assert deploy(app_name="my-function", enable_autoscaling=False).status == 200
    assert kubectl.find(AUTOSCALERS, "my-function") is None


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_autoscaler_whose_answer_is_lost(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, cut: str
) -> None:
    server.fail(verb="create", plural="horizontalpodautoscalers", dry_run=False, cut=cut)
    assert deploy(app_name="my-function").status == 200
    assert kubectl.find(AUTOSCALERS, "my-function") is not None
