"""What goes wrong with an app is said where a deployer looks: container states, events, conditions."""

from pathlib import Path

from local.kubernetes.kubelet.leftovers import start_time
from local.kubernetes.machinery.resources import DEPLOYMENTS, RUNTIME_CLASSES, SPIN_APP_EXECUTORS, SPIN_APPS
from local.tests.kubernetes_cluster.world import World, eventually, image


def test_an_image_that_does_not_exist(world: World) -> None:
    world.app("lost", "v9")
    status = world.waiting("lost", "ErrImagePull")
    assert image("v9") in status["state"]["waiting"]["message"]
    status = world.waiting("lost", "ImagePullBackOff")
    assert f'Back-off pulling image "{image("v9")}"' in status["state"]["waiting"]["message"]
    assert "no image blue-faas-app:v9 here" in status["state"]["waiting"]["message"]
    world.event("lost", "Failed", "no image blue-faas-app:v9 here")
    world.event("lost", "BackOff", "Back-off pulling image")
    app = world.api.get(SPIN_APPS, "default", "lost")
    available = next(entry for entry in app["status"]["conditions"] if entry["type"] == "Available")
    assert (available["status"], available["reason"]) == ("False", "MinimumReplicasUnavailable")

    world.registry.push("blue-faas-app", "v9", "found")
    world.answers("lost", "found")
    world.discard("lost")


def test_an_image_that_is_no_spin_application(world: World) -> None:
    world.registry.push("blue-faas-app", "linux", architecture="amd64")
    world.app("foreign", "linux")
    status = world.waiting("foreign", "RunContainerError")
    assert 'architecture "amd64", not "wasm"' in status["state"]["waiting"]["message"]
    assert status["lastState"]["terminated"]["exitCode"] == 128
    world.discard("foreign")


def test_a_runtime_class_that_is_missing(world: World) -> None:
    config = {"createDeployment": True, "deploymentConfig": {"runtimeClassName": "elsewhere"}}
    world.api.create(SPIN_APP_EXECUTORS, "default", {"metadata": {"name": "elsewhere"}, "spec": config})
    world.app("homeless", "v1", executor="elsewhere")
    eventually(lambda: _refused(world, "homeless", "elsewhere"), "somebody says that the runtime is missing")

    world.api.create(RUNTIME_CLASSES, None, {"metadata": {"name": "elsewhere"}, "handler": "runc"})
    world.event("homeless", "FailedCreatePodSandBox", 'no runtime for "runc" is configured')
    (pod,) = world.pods("homeless")
    assert pod["status"]["phase"] == "Pending"
    world.waiting("homeless", "ContainerCreating")

    world.api.delete(RUNTIME_CLASSES, None, "elsewhere")
    eventually(lambda: world.get(RUNTIME_CLASSES, "elsewhere") is None, "the class is gone")
    world.api.create(RUNTIME_CLASSES, None, {"metadata": {"name": "elsewhere"}, "handler": "spin"})
    world.answers("homeless", "one")
    world.discard("homeless")


def _refused(world: World, name: str, runtime_class: str) -> bool:
    """Either the API server's admission refuses the pod, or the kubelet its sandbox: both are real behaviours."""
    return any(
        (reason == "FailedCreatePodSandBox" and f'no runtime for "{runtime_class}" is configured' in message)
        or (reason == "FailedCreate" and runtime_class in message)
        for reason, message in world.events(name)
    )


def test_a_function_that_ends_at_once(world: World) -> None:
    world.registry.push("blue-faas-app", "broken", locked={"must_understand": ["tomorrow"]})
    world.app("broken", "broken")
    status = world.waiting("broken", "CrashLoopBackOff")
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert "restarting failed container=broken" in status["state"]["waiting"]["message"]
    world.event("broken", "BackOff", "Back-off restarting failed container broken")
    (pod,) = world.pods("broken")
    log = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/log"
    eventually(lambda: "tomorrow" in world.text(log), "a run's log tells why")
    world.discard("broken")


def test_a_function_that_is_killed_is_started_again(world: World) -> None:
    world.app("mortal", "v1")
    world.answers("mortal", "one")
    (pid,) = world.function_pids("mortal")
    world.kill(pid)
    assert _ended_before(world, "mortal") == 137
    world.answers("mortal", "one")
    world.discard("mortal")


def test_functions_are_started_again_after_the_process_that_forks_them(world: World) -> None:
    world.app("forked", "v1")
    world.answers("forked", "one")
    (pid,) = world.function_pids("forked")
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    world.kill(parent)
    assert _ended_before(world, "forked") == 255  # only that process could have told how it ended
    world.answers("forked", "one")
    assert start_time(pid) is None, "the function outlived its pod's restart"
    world.discard("forked")


def _ended_before(world: World, name: str) -> int:
    """Wait until an app's only container runs again; the exit code of its first run."""

    def restarted() -> int | None:
        (pod,) = world.pods(name)
        status = pod["status"]["containerStatuses"][0]
        return (
            status["lastState"]["terminated"]["exitCode"] if status["ready"] and status["restartCount"] == 1 else None
        )

    return eventually(restarted, f"the container of {name} runs again")


def test_a_failed_update_leaves_the_old_pods_in_service(world: World) -> None:
    world.app("careful", "v1")
    world.answers("careful", "one")
    world.change("careful", image=image("v404"))
    world.waiting("careful", "ImagePullBackOff")
    assert world.call("careful").text == "one"
    deployment = world.api.get(DEPLOYMENTS, "default", "careful")
    assert deployment["status"]["updatedReplicas"] == 1
    assert deployment["status"]["availableReplicas"] == 1

    world.change("careful", image=image("v2"))
    world.answers("careful", "two")
    world.rolled_out("careful")
    world.discard("careful")


def test_a_rollout_that_stands_still_exceeds_its_deadline(world: World) -> None:
    world.app("late", "v405")
    eventually(lambda: world.get(DEPLOYMENTS, "late"), "the Deployment is there")
    world.api.patch(DEPLOYMENTS, "default", "late", {"spec": {"progressDeadlineSeconds": 1}})

    def reason() -> bool:
        conditions = world.api.get(DEPLOYMENTS, "default", "late").get("status", {}).get("conditions") or []
        return any(entry["reason"] == "ProgressDeadlineExceeded" for entry in conditions)

    eventually(reason, "the rollout is given up")
    world.discard("late")


def test_an_executor_that_makes_no_deployment_still_gets_a_service(world: World) -> None:
    world.api.create(
        SPIN_APP_EXECUTORS, "default", {"metadata": {"name": "brief"}, "spec": {"createDeployment": False}}
    )
    world.app("external", "v1", executor="brief")
    eventually(lambda: world.call("external").status_code == 503, "there is a Service without pods")
    assert world.get(DEPLOYMENTS, "external") is None
    world.discard("external")
