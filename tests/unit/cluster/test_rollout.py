"""`wait`: the answer comes when the new version serves, or says what keeps it from that."""

from typing import Any

import pytest

from functions.cluster.resources import DEPLOYMENTS, PODS
from tests.unit.cluster.conftest import IMAGE, Deploy, deployed
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

V2 = IMAGE.replace("a1b2c3d4", "v2")
NAME = "my-function"


def set_status(kubectl: Administrator, **status: Any) -> None:
    """What the Deployment controller reports."""
    generation = kubectl.get(DEPLOYMENTS, NAME)["metadata"]["generation"]
    kubectl.patch(DEPLOYMENTS, NAME, {"status": {"observedGeneration": generation, **status}}, "/status")


def add_pod(kubectl: Administrator, image: str, reason: str, message: str) -> None:
    """A pod of the app that the kubelet cannot start."""
    labels = {"core.spinkube.dev/app-name": NAME, f"core.spinkube.dev/app.{NAME}.status": "ready"}
    name = f"pod-{reason.lower()}"
    kubectl.create(PODS, name, {"containers": [{"name": NAME, "image": image}]}, labels=labels)
    waiting = {"waiting": {"reason": reason, "message": message}}
    container = {"name": NAME, "image": image, "imageID": "", "ready": False, "restartCount": 1, "state": waiting}
    kubectl.patch(PODS, name, {"status": {"containerStatuses": [container]}}, "/status")


def roll_out(kubectl: Administrator, image: str) -> None:
    """What the operator does after an update."""
    container = {"name": NAME, "image": image, "command": ["/"]}
    kubectl.patch(DEPLOYMENTS, NAME, {"spec": {"template": {"spec": {"containers": [container]}}}})


@pytest.fixture(autouse=True)
def app(deploy: Deploy) -> None:
    """An app that was deployed before."""
    assert deploy(app_name=NAME, enable_autoscaling=False).body["rollout"] is None


def test_a_version_that_serves(deploy: Deploy, kubectl: Administrator) -> None:
    set_status(kubectl, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    answer = deploy(app_name=NAME, wait=True)
    assert answer.body["rollout"] == {"status": "complete", "message": None}
    assert answer.body["ready_replicas"] == 1
    assert answer.body["error"] is None


def test_the_old_version_that_serves_is_not_the_new_one(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    server.operator_runs = False
    set_status(kubectl, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    answer = deploy(app_name=NAME, image_ref=V2, wait=True, seconds=1.5)
    assert answer.status == 200
    assert answer.body["rollout"]["status"] == "progressing"
    assert "operator has not created" in answer.body["rollout"]["message"]


@pytest.mark.parametrize(
    "status",
    [
        {"replicas": 1, "updatedReplicas": 0, "readyReplicas": 1, "availableReplicas": 1},
        {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2},
        {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 0},
        {"observedGeneration": 0, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1},
    ],
)
def test_a_rollout_on_its_way(deploy: Deploy, kubectl: Administrator, status: dict[str, int]) -> None:
    set_status(kubectl, **status)
    answer = deploy(app_name=NAME, wait=True, seconds=1.0)
    assert answer.body["rollout"]["status"] == "progressing"
    assert answer.body["error"] is None


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CrashLoopBackOff", "CreateContainerError"])
def test_a_version_that_does_not_come_up(deploy: Deploy, kubectl: Administrator, reason: str) -> None:
    roll_out(kubectl, deployed(V2))
    add_pod(kubectl, deployed(V2), reason, "what the kubelet says")
    answer = deploy(app_name=NAME, image_ref=V2, wait=True)
    assert answer.status == 200
    assert answer.body["rollout"] == {"status": "failing", "message": f"{reason}: what the kubelet says"}
    assert answer.body["error"] == f"{reason}: what the kubelet says"


def test_restarts_are_added_up(deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    assert call("GET", f"/{NAME}").body["replicas"]["restarts"] == 0
    for reason in ("CrashLoopBackOff", "OOMKilled"):
        add_pod(kubectl, IMAGE, reason, "back-off restarting")
    assert call("GET", f"/{NAME}").body["replicas"]["restarts"] == 2


def test_pods_of_the_old_version_are_not_looked_at(deploy: Deploy, kubectl: Administrator) -> None:
    roll_out(kubectl, deployed(V2))
    add_pod(kubectl, deployed(IMAGE), "CrashLoopBackOff", "old")
    answer = deploy(app_name=NAME, image_ref=V2, wait=True, seconds=1.0)
    assert answer.body["rollout"]["status"] == "progressing"


def test_pods_that_a_quota_forbids(deploy: Deploy, kubectl: Administrator) -> None:
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota: pods",
    }
    set_status(kubectl, conditions=[condition])
    answer = deploy(app_name=NAME, wait=True)
    assert answer.body["error"] == "FailedCreate: exceeded quota: pods"


def test_a_cluster_that_cannot_be_asked_does_not_undo_the_deploy(deploy: Deploy, server: KubernetesServer) -> None:
    server.fail(verb="get", plural="deployments", status=500, times=9)
    answer = deploy(app_name=NAME, wait=True)
    assert (answer.status, answer.body["rollout"]["status"]) == (200, "progressing")
