"""Revisions: every deploy is one, and any that is kept can be gone back to."""

import json
from typing import Any

import pytest

from functions.cluster import history
from functions.cluster.resources import AUTOSCALERS, SERVICE_ACCOUNTS, SPIN_APPS
from tests.unit.cluster.conftest import CALLER, IMAGE, Deploy, Eks, deployed, digest_of, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

NAME = "my-function"
V2 = IMAGE.replace("a1b2c3d4", "v2")


def revisions(call: Deploy) -> list[dict[str, Any]]:
    answer = call("GET", f"/{NAME}/revisions")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.body["revisions"]
    return found


def roll_back(call: Deploy, **body: Any) -> Any:
    return call("POST", f"/{NAME}/rollback", body)


def test_each_deploy_is_a_revision(deploy: Deploy, call: Deploy) -> None:
    assert deploy(app_name=NAME).body["revision"] == 1
    assert deploy(app_name=NAME, image_ref=V2).body["revision"] == 2
    assert deploy(app_name=NAME, cpu_limit="500m", variables={"greeting": "hi"}, max_replicas=4).body["revision"] == 3

    third, second, first = revisions(call)
    assert [r["revision"] for r in (third, second, first)] == [3, 2, 1]
    assert [r["current"] for r in (third, second, first)] == [True, False, False]
    assert (second["image"], second["digest"]) == (V2, digest_of(V2))
    assert second["changed"] == ["image"]
    assert third["changed"] == ["image", "resources.limits.cpu", "variables.greeting", "max_replicas"]
    assert {r["deployed_by"] for r in (third, second, first)} == {CALLER}
    assert all(r["deployed_at"].endswith("Z") for r in (third, second, first))
    assert "hi" not in json.dumps(third["changed"])


def test_without_an_authorizer_it_was_somebody(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    body = json.dumps({"namespace": kubectl.namespace, "image_ref": IMAGE, "app_name": NAME})
    assert invoke_raw(body, authorizer={}).status == 200
    assert revisions(call)[0]["deployed_by"] == "anonymous"


def test_the_subject_of_a_token(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    body = json.dumps({"namespace": kubectl.namespace, "image_ref": IMAGE, "app_name": NAME})
    token = {"jwt": {"claims": {"sub": "user-1\x1b[31m" + "x" * 500}, "scopes": None}}
    assert invoke_raw(body, authorizer=token).status == 200
    by = revisions(call)[0]["deployed_by"]
    assert by.startswith("user-1[31mxxx")
    assert len(by) == 256


def test_a_deploy_that_is_refused_is_no_revision(deploy: Deploy, call: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    server.fail(verb="patch", plural="spinapps", status=422, reason="Invalid")
    assert deploy(app_name=NAME, image_ref=V2).status == 422
    assert [r["revision"] for r in revisions(call)] == [1]


def test_a_lost_answer_makes_one_revision(deploy: Deploy, call: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    server.fail(verb="patch", plural="spinapps", cut="after", dry_run=False)
    assert deploy(app_name=NAME, image_ref=V2).body["revision"] == 2
    assert [r["revision"] for r in revisions(call)] == [2, 1]


def test_an_app_made_by_hand_begins_with_what_it_is(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    kubectl.create_app(NAME, {"executor": "spot", "image": IMAGE, "replicas": 2})
    (first,) = revisions(call)
    assert (first["revision"], first["image"], first["deployed_by"]) == (1, IMAGE, None)
    assert deploy(app_name=NAME, image_ref=V2).body["revision"] == 2
    assert roll_back(call).status == 200
    assert kubectl.get(SPIN_APPS, NAME)["spec"]["image"] == IMAGE


def test_an_image_that_was_named_short_by_hand_cannot_be_gone_back_to(
    deploy: Deploy, call: Deploy, kubectl: Administrator
) -> None:
    kubectl.create_app(NAME, {"executor": "spot", "image": "app:v1", "replicas": 1})
    deploy(app_name=NAME)
    answer = roll_back(call)
    assert (answer.status, "not a full image reference: 'app:v1'" in answer.detail) == (422, True)


def test_the_last_twenty_are_kept(deploy: Deploy, call: Deploy) -> None:
    for number in range(history.MOST_REVISIONS + 2):
        deploy(app_name=NAME, image_ref=IMAGE.replace("a1b2c3d4", f"v{number}"))
    numbers = [r["revision"] for r in revisions(call)]
    assert numbers == list(range(history.MOST_REVISIONS + 2, 2, -1))
    assert roll_back(call, revision=1).status == 404
    assert roll_back(call, revision=3).status == 200


def test_large_revisions_push_older_ones_out(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    for number in range(7):
        variables = {f"v{i}": str(number) * 4000 for i in range(8)}
        assert deploy(app_name=NAME, variables=variables).status == 200
    kept = [r["revision"] for r in revisions(call)]
    assert kept[0] == 7
    assert 1 < len(kept) < 7
    annotation = kubectl.get(SPIN_APPS, NAME)["metadata"]["annotations"][history.ANNOTATION]
    assert len(annotation) < 200_000


def test_back_to_the_one_before(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    deploy(app_name=NAME, cpu_limit="500m", variables={"a": "1"}, max_replicas=5, target_cpu=70)
    before = kubectl.get(SPIN_APPS, NAME)["spec"]
    deploy(
        app_name=NAME, image_ref=V2, cpu_limit="1", memory_limit="1Gi", variables={"a": "2", "b": "3"},
        function_id="fn-2", service_account="runner", use_spot=False, max_replicas=9, target_cpu=20,
    )  # fmt: skip

    answer = roll_back(call)

    assert answer.status == 200
    assert (answer.body["image"], answer.body["digest"], answer.body["revision"]) == (IMAGE, digest_of(IMAGE), 3)
    assert kubectl.get(SPIN_APPS, NAME)["spec"] == before
    autoscaler = kubectl.get(AUTOSCALERS, NAME)["spec"]
    assert autoscaler["maxReplicas"] == 5
    assert autoscaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
    newest = revisions(call)[0]
    assert (newest["revision"], newest["rollback_of"], newest["image"]) == (3, 1, IMAGE)


def test_back_to_a_named_one_and_forth_again(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    images = [IMAGE.replace("a1b2c3d4", f"v{number}") for number in (1, 2, 3)]
    for image in images:
        deploy(app_name=NAME, image_ref=image)
    assert roll_back(call, revision=1).body["image"] == images[0]
    assert kubectl.get(SPIN_APPS, NAME)["spec"]["image"] == deployed(images[0])
    assert roll_back(call).body["image"] == images[2]


@pytest.mark.parametrize(("first", "then"), [(True, False), (False, True)])
def test_back_over_a_switch_of_autoscaling(
    deploy: Deploy, call: Deploy, kubectl: Administrator, first: bool, then: bool
) -> None:
    deploy(app_name=NAME, enable_autoscaling=first)
    deploy(app_name=NAME, enable_autoscaling=then)
    assert roll_back(call).body["enable_autoscaling"] is first
    app = kubectl.get(SPIN_APPS, NAME)
    assert app["spec"]["enableAutoscaling"] is first
    assert ("replicas" in app["spec"]) is not first
    assert bool(kubectl.list(AUTOSCALERS)) is first


def test_what_others_set_stays(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    theirs = {"metadata": {"annotations": {"note": "by hand"}}, "spec": {"deploymentAnnotations": {"team": "a"}}}
    kubectl.patch(SPIN_APPS, NAME, theirs)
    roll_back(call)
    app = kubectl.get(SPIN_APPS, NAME)
    assert app["metadata"]["annotations"]["note"] == "by hand"
    assert app["spec"]["deploymentAnnotations"] == {"team": "a"}


def test_nothing_to_go_back_to(deploy: Deploy, call: Deploy) -> None:
    assert roll_back(call).status == 404
    deploy(app_name=NAME)
    answer = roll_back(call)
    assert (answer.status, "nothing to go back to" in answer.detail) == (409, True)
    assert roll_back(call, revision=0).status == 422
    assert roll_back(call, revision=7).detail == f"App '{NAME}' has no revision 7; it has 1"


def test_an_image_that_is_gone_is_not_gone_back_to(
    deploy: Deploy, call: Deploy, eks: Eks, kubectl: Administrator
) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    eks.missing.add(digest_of(IMAGE))
    answer = roll_back(call)
    assert answer.status == 422
    assert digest_of(IMAGE) in answer.detail
    assert kubectl.get(SPIN_APPS, NAME)["spec"]["image"] == deployed(V2)


def test_a_deploy_in_between_is_kept_in_the_history(
    deploy: Deploy, call: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    note = {"metadata": {"annotations": {"note": "theirs"}}}
    server.fail(verb="patch", plural="spinapps", meanwhile=lambda: kubectl.patch(SPIN_APPS, NAME, note))
    assert roll_back(call).body["revision"] == 3
    assert kubectl.get(SPIN_APPS, NAME)["metadata"]["annotations"]["note"] == "theirs"


def test_a_lost_answer_of_a_rollback(deploy: Deploy, call: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    server.fail(verb="patch", plural="spinapps", cut="after", dry_run=False)
    answer = roll_back(call)
    assert (answer.status, answer.body["image"]) == (200, IMAGE)
    assert [r["revision"] for r in revisions(call)] == [3, 2, 1]


def test_an_unreadable_history_begins_anew(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    deploy(app_name=NAME)
    kubectl.patch(SPIN_APPS, NAME, {"metadata": {"annotations": {history.ANNOTATION: "not json"}}})
    assert deploy(app_name=NAME, image_ref=V2).body["revision"] == 2
