"""Autoscaled apps: the floor at once, more under load, back when it is quiet."""

import threading
from typing import Any

import httpx

from local.kubernetes.machinery.meta import is_true
from local.kubernetes.machinery.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, Json
from local.tests.kubernetes_cluster.world import World, eventually


def autoscaler(name: str, least: int, most: int, target: int) -> Json:
    """A HorizontalPodAutoscaler as the deployer makes it."""
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
    return {
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": metric}],
        },
    }


def status(world: World, name: str) -> dict[str, Any]:
    """The autoscaler's status."""
    found: dict[str, Any] = world.api.get(HORIZONTAL_POD_AUTOSCALERS, "default", name).get("status") or {}
    return found


def test_size_follows_the_load(world: World) -> None:
    requests = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    world.app("elastic", "v1", enableAutoscaling=True, resources=requests)
    world.api.create(HORIZONTAL_POD_AUTOSCALERS, "default", autoscaler("elastic", 2, 4, 50))
    world.answers("elastic", "one")
    eventually(lambda: len(world.pods("elastic")) == 2, "the smallest size is reached")
    eventually(lambda: is_true(status(world, "elastic").get("conditions"), "ScalingActive"), "metrics are there")

    stop = threading.Event()

    def busy() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                client.get(f"{world.router_url}/busy", headers={"Host": "elastic.default"})

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        eventually(lambda: world.api.get(DEPLOYMENTS, "default", "elastic")["spec"]["replicas"] == 4, "it grows")
    finally:
        stop.set()
        thread.join()
    world.event("elastic", "SuccessfulRescale", "above target")
    eventually(lambda: world.api.get(DEPLOYMENTS, "default", "elastic")["spec"]["replicas"] == 2, "it shrinks")
    eventually(lambda: status(world, "elastic").get("currentReplicas") == 2, "the status tells the size")
    assert status(world, "elastic")["desiredReplicas"] == 2
    world.api.delete(HORIZONTAL_POD_AUTOSCALERS, "default", "elastic")
    world.discard("elastic")


def test_without_a_cpu_request_the_autoscaler_says_so(world: World) -> None:
    world.app("unmeasured", "v1", enableAutoscaling=True)
    world.api.create(HORIZONTAL_POD_AUTOSCALERS, "default", autoscaler("unmeasured", 1, 3, 50))
    world.answers("unmeasured", "one")

    def told() -> bool:
        conditions = status(world, "unmeasured").get("conditions") or []
        return any("missing request for cpu" in entry.get("message", "") for entry in conditions)

    eventually(told, "the condition names the missing request")
    world.api.delete(HORIZONTAL_POD_AUTOSCALERS, "default", "unmeasured")
    world.discard("unmeasured")
