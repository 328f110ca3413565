"""The reasons why pods do not run, as the Deployment, the scheduler and kubelet report them."""

from collections.abc import Iterable
from typing import Final

from functions.cluster.client import Cluster
from functions.cluster.errors import shorten
from functions.cluster.names import Object, ObjectName
from functions.cluster.resources import EVENTS, PODS
from functions.models.apps import PodProblem

# Reasons that kubelet gives for a container that does not run, and that waiting a little does not resolve.
_FAILING: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
        "StartError",
    }
)
PASSING: Final = frozenset({"Unschedulable"})
"""Reasons that resolve themselves if nodes are created on demand: reported, but not yet a failure."""
_MOST_EVENTS: Final = 50


def deployment_problem(deployment: Object) -> str | None:
    """Return what keeps the Deployment from creating pods (a quota, admission): only this condition reports it."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return shorten(f"{condition.get('reason', 'ReplicaFailure')}: {condition.get('message', '')}")
    return None


def pods_of(cluster: Cluster, deployment: Object) -> list[Object]:
    """List the Deployment's pods of all versions."""
    selector = deployment["spec"]["selector"].get("matchLabels") or {}
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return cluster.list(PODS, deployment["metadata"]["namespace"], labels=labels)


def pod_problems(pods: Iterable[Object], image: str | None = None) -> list[PodProblem]:
    """Return the problem of each pod that does not run; with ``image``, only of the pods of that version."""
    return [problem for pod in pods if (image is None or _runs(pod, image)) and (problem := _problem(pod)) is not None]


def runtime_problem(cluster: Cluster, pods: Iterable[Object], image: str) -> PodProblem | None:
    """Return the problem if the node of a new pod has no runtime for it: only the pod's events report that."""
    for pod in pods:
        if (pod.get("status") or {}).get("phase") != "Pending" or not _runs(pod, image):
            continue
        for event in events_of(cluster, ObjectName.of(pod)):
            # The reason alone also stands for networks that are not ready yet. The words are containerd's.
            if event.get("reason") == "FailedCreatePodSandBox" and "no runtime for" in str(event.get("message")):
                message = shorten(str(event["message"]))
                return PodProblem(pod=pod["metadata"]["name"], reason=event["reason"], message=message)
        return None  # One pod is enough: all of them need the same runtime.
    return None


def events_of(cluster: Cluster, about: ObjectName) -> list[Object]:
    """List the events about all objects of a name."""
    return cluster.list(EVENTS, about.namespace, fields=f"involvedObject.name={about.name}", limit=_MOST_EVENTS)


def _problem(pod: Object) -> PodProblem | None:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _FAILING:
            return PodProblem(pod=name, reason=waiting["reason"], message=shorten(str(waiting.get("message", ""))))
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return PodProblem(pod=name, reason="Unschedulable", message=shorten(str(condition.get("message", ""))))
    return None


def _runs(pod: Object, image: str) -> bool:
    return any(container.get("image") == image for container in pod["spec"].get("containers") or [])
