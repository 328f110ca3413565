"""An app as the cluster has it now: what GET on an app answers, put together from the objects around it."""

from typing import Any, Final, Literal

from functions.cluster import history, manifests, rollout
from functions.cluster.api import ClusterApi, Object, find
from functions.cluster.changes import autoscales, ready_replicas
from functions.cluster.deadline import Deadline
from functions.cluster.errors import shorten
from functions.cluster.problems import PASSING, events_of, pod_problems, pods_of
from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SERVICES
from functions.cluster.settings import DeploySettings
from functions.contracts.apps import (
    AppEvent,
    AppState,
    AppSummary,
    Autoscaling,
    Condition,
    PodProblem,
    Replicas,
)

_MOST_EVENTS: Final = 20
_PODS_ASKED_ABOUT: Final = 3
"""Pods that do not run and whose events are looked up: they fail alike, and each is a call."""


def endpoint(name: str, namespace: str) -> str:
    """DNS name of the app's Service inside the cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def uses_spot(app: Object, settings: DeploySettings) -> bool:
    """Whether the app's executor is the one that prefers spot capacity."""
    return bool(app["spec"].get("executor") == settings.executor_spot)


def summary(app: Object, settings: DeploySettings) -> AppSummary:
    """An app as a list shows it: from the SpinApp alone."""
    metadata, newest = app["metadata"], history.current(app)
    available = {"True": True, "False": False}
    said = [condition.status for condition in _conditions(app, "SpinApp") if condition.type == "Available"]
    return AppSummary(
        app_name=metadata["name"],
        namespace=metadata["namespace"],
        image=_image(app, newest),
        digest=history.digest_of(app["spec"]["image"]),
        revision=newest.number,
        enable_autoscaling=autoscales(app),
        use_spot=uses_spot(app, settings),
        ready_replicas=ready_replicas(app),
        available=available.get(said[0]) if said else None,
        managed=manifests.is_managed(app),
    )


def state(api: ClusterApi, app: Object, settings: DeploySettings, deadline: Deadline) -> AppState:
    """Everything that the cluster says of ``app``.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    name, namespace = app["metadata"]["name"], app["metadata"]["namespace"]
    deployment = find(api, DEPLOYMENTS, namespace, name, deadline)
    autoscaler = find(api, AUTOSCALERS, namespace, name, deadline) if autoscales(app) else None
    service = find(api, SERVICES, namespace, name, deadline)
    pods = pods_of(api, deployment, deadline) if deployment else []
    status, error = _outcome(api, app, deployment, deadline)
    newest = history.current(app)
    return AppState(
        app_name=name,
        namespace=namespace,
        status=status,
        error=error,
        image=_image(app, newest),
        digest=history.digest_of(app["spec"]["image"]),
        revision=newest.number,
        managed=manifests.is_managed(app),
        enable_autoscaling=autoscales(app),
        use_spot=uses_spot(app, settings),
        service_name=name,
        service_status="found" if service else "pending",
        endpoint=endpoint(name, namespace),
        replicas=_replicas(deployment),
        autoscaling=_autoscaling(autoscaler) if autoscaler else None,
        conditions=_conditions(app, "SpinApp") + (_conditions(deployment, "Deployment") if deployment else []),
        problems=pod_problems(pods),
        events=_events(api, namespace, name, pod_problems(pods), pods, deadline),
    )


def _outcome(
    api: ClusterApi, app: Object, deployment: Object | None, deadline: Deadline
) -> tuple[Literal["available", "progressing", "failing"], str | None]:
    """The same judgement as that of a deploy that waits."""
    image = app["spec"]["image"]
    if deployment is None or not rollout.runs(deployment, image):
        return "progressing", None
    if rollout.is_complete(deployment):
        return "available", None
    trouble = rollout.trouble_of(api, deployment, image, deadline)
    return ("failing", trouble) if trouble else ("progressing", None)


def _image(app: Object, newest: history.Revision) -> str:
    """As it was asked for, unless somebody has set another one by hand since."""
    run = str(app["spec"]["image"])
    return newest.image if newest.spec.get("image") == run else run


def _replicas(deployment: Object | None) -> Replicas:
    status = (deployment or {}).get("status") or {}
    return Replicas(
        desired=deployment["spec"].get("replicas", 1) if deployment else None,
        ready=status.get("readyReplicas") or 0,
        updated=status.get("updatedReplicas") or 0,
    )


def _autoscaling(autoscaler: Object) -> Autoscaling:
    spec, status = autoscaler["spec"], autoscaler.get("status") or {}
    return Autoscaling(
        min_replicas=spec.get("minReplicas", 1),
        max_replicas=spec["maxReplicas"],
        target_cpu=_cpu(spec.get("metrics"), "target"),
        current_cpu=_cpu(status.get("currentMetrics"), "current"),
        desired_replicas=status.get("desiredReplicas") or 0,
    )


def _cpu(metrics: Any, side: Literal["target", "current"]) -> int | None:
    for metric in metrics or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            utilization: int | None = (resource.get(side) or {}).get("averageUtilization")
            return utilization
    return None


def _conditions(of: Object, source: Literal["SpinApp", "Deployment"]) -> list[Condition]:
    return [
        Condition(
            source=source,
            type=condition["type"],
            status=condition["status"],
            reason=condition.get("reason") or None,
            message=shorten(condition["message"]) if condition.get("message") else None,
        )
        for condition in (of.get("status") or {}).get("conditions") or []
    ]


def _events(
    api: ClusterApi, namespace: str, name: str, problems: list[PodProblem], pods: list[Object], deadline: Deadline
) -> list[AppEvent]:
    waiting = [pod["metadata"]["name"] for pod in pods if (pod.get("status") or {}).get("phase") == "Pending"]
    troubled = [problem.pod for problem in problems if problem.reason not in PASSING]
    names = list(dict.fromkeys([*troubled, *waiting]))[:_PODS_ASKED_ABOUT]
    # SpinApp, Deployment, Service and autoscaler have the app's name: one question for all four.
    found = [event for about in (name, *names) for event in events_of(api, namespace, about, deadline)]
    found.sort(key=lambda event: _last_seen(event) or "", reverse=True)
    return [_event(event) for event in found[:_MOST_EVENTS]]


def _event(event: Object) -> AppEvent:
    about = event.get("involvedObject") or {}
    return AppEvent(
        type=event.get("type") or "Normal",
        reason=event.get("reason") or "",
        message=shorten(event.get("message") or ""),
        object=f"{about.get('kind', '')}/{about.get('name', '')}",
        count=event.get("count") or 1,
        last_seen=_last_seen(event),
    )


def _last_seen(event: Object) -> str | None:
    # Events of the newer API carry only eventTime.
    seen: str | None = (
        event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    )
    return seen
