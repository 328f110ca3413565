"""From a SpinApp to answers over HTTP, and back to nothing."""

from local.kubernetes.cluster import Cluster
from local.kubernetes.machinery.meta import is_true
from local.kubernetes.machinery.resources import (
    DEPLOYMENTS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    SPIN_APPS,
)
from local.kubernetes.ports import LISTENING_ANNOTATION
from local.tests.kubernetes_cluster.world import World, eventually, image


def test_an_app_answers_and_reports_that_it_is_available(world: World) -> None:
    world.app("plain", "v1")
    world.answers("plain", "one")

    deployment = world.rolled_out("plain")
    assert is_true(deployment["status"]["conditions"], "Available")
    app = eventually(
        lambda: (found := world.get(SPIN_APPS, "plain")) and found["status"].get("readyReplicas") == 1 and found,
        "the SpinApp counts its pod",
    )
    assert isinstance(app, dict)
    assert app["status"]["activeScheduler"] == "on-demand"
    assert is_true(app["status"]["conditions"], "Available")
    assert is_true(app["status"]["conditions"], "Progressing")
    (pod,) = world.pods("plain")
    assert pod["spec"]["nodeName"] == "local-on-demand"
    assert pod["status"]["phase"] == "Running"
    assert {reason for reason, _ in world.events("plain")} >= {
        *("Scheduled", "Pulled", "Created", "Started", "SuccessfulCreate", "ScalingReplicaSet"),
    }
    world.discard("plain")


def test_deleting_an_app_leaves_nothing_behind(world: World, cluster: Cluster) -> None:
    world.app("gone", "v1", executor="spot")
    world.answers("gone", "one")
    assert world.pods("gone")[0]["spec"]["nodeName"] == "local-spot"
    volumes = cluster.config.state_dir / "node" / "volumes"
    uid = world.rolled_out("gone")["metadata"]["uid"]
    assert (volumes / uid).is_dir()

    world.delete("gone")

    for resource in (DEPLOYMENTS, REPLICA_SETS, SERVICES):
        names = [item["metadata"]["name"] for item in world.api.list(resource, "default")["items"]]
        assert not [name for name in names if name.startswith("gone")], resource.plural
    eventually(lambda: not (volumes / uid).exists(), "the app's data is removed")
    eventually(lambda: world.call("gone").status_code == 404, "the router knows of the deletion")


def test_scaling_up_and_down(world: World) -> None:
    world.app("sized", "v1", replicas=1)
    world.answers("sized", "one")

    world.change("sized", replicas=3)
    world.rolled_out("sized")
    assert len(world.pods("sized")) == 3
    assert len({pod["metadata"]["annotations"][LISTENING_ANNOTATION] for pod in world.pods("sized")}) == 3

    world.change("sized", replicas=1)
    eventually(lambda: len(world.pods("sized")) == 1, "two pods are gone")
    world.answers("sized", "one")
    world.discard("sized")


def test_variables_come_from_values_and_secrets(world: World) -> None:
    world.api.create(SECRETS, "default", {"metadata": {"name": "words"}, "stringData": {"greeting": "hush"}})
    reference = {"secretKeyRef": {"name": "words", "key": "greeting"}}
    world.app("secretive", "v1", variables=[{"name": "greeting", "valueFrom": reference}])
    world.answers("secretive", "hush")

    world.change("secretive", variables=[{"name": "greeting", "value": "plainly"}])
    world.answers("secretive", "plainly")
    world.discard("secretive")


def test_the_operators_secrets_are_there_and_go_with_the_app(world: World) -> None:
    world.app("equipped", "v1")
    world.answers("equipped", "one")
    (pod,) = world.pods("equipped")
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["spin-runtime-config", "spin-ca"]
    assert pod["spec"]["nodeSelector"]["karpenter.sh/capacity-type"] == "on-demand"
    assert world.get(SECRETS, "equipped-760b133c") is not None
    assert world.get(SECRETS, "spin-ca") is not None
    world.delete("equipped")
    assert world.get(SECRETS, "equipped-760b133c") is None


def test_a_missing_secret_is_named_and_waited_for(world: World) -> None:
    reference = {"secretKeyRef": {"name": "later", "key": "greeting"}}
    world.app("patient", "v1", variables=[{"name": "greeting", "valueFrom": reference}])
    status = world.waiting("patient", "CreateContainerConfigError")
    assert status["state"]["waiting"]["message"] == 'secret "later" not found'

    world.api.create(SECRETS, "default", {"metadata": {"name": "later"}, "stringData": {"greeting": "at last"}})
    world.answers("patient", "at last")
    world.discard("patient")


def test_key_value_data_survives_an_update(world: World) -> None:
    world.app("counting", "v1")
    world.answers("counting", "one")
    assert [world.call("counting", "/count").text for _ in range(2)] == ["1\n", "2\n"]

    world.change("counting", image=image("v2"))
    world.answers("counting", "two")
    world.rolled_out("counting")
    assert world.call("counting", "/count").text == "3\n"
    world.delete("counting")

    world.app("counting", "v1")
    world.answers("counting", "one")
    assert world.call("counting", "/count").text == "1\n"
    world.discard("counting")


def test_what_a_function_prints_is_its_log(world: World) -> None:
    world.app("talking", "v1")
    world.answers("talking", "one")
    world.call("talking", "/print")
    (pod,) = world.pods("talking")
    path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/log"
    eventually(lambda: "to standard output" in world.text(path), "the log has the line")
    assert world.text(f"{path}?tailLines=1&timestamps=true").startswith("20")
    world.discard("talking")
