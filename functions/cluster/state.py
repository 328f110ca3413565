"""The current state of an app, read from its SpinApp and the objects that belong to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from functions.cluster import history, manifests, rollout
from functions.cluster.changes import autoscales, ready_replicas
from functions.cluster.client import Cluster
from functions.cluster.crashes import crashes_of
from functions.cluster.errors import shorten
from functions.cluster.exposure import url_of
from functions.cluster.names import Object, ObjectName
from functions.cluster.ownership import is_made_for, selector, workspace_of
from functions.cluster.parallel import together
from functions.cluster.preconditions import check_namespace, existing_app
from functions.cluster.problems import PASSING, events_of, pod_problems, pods_of
from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SERVICES, SPIN_APPS
from functions.cluster.settings import DeploySettings
from functions.models.apps import (
    AppEvent,
    AppState,
    AppSummary,
    Autoscaling,
    Condition,
    PodProblem,
    Replicas,
)
from functions.tenancy.workspace import AppScope

_MOST_EVENTS: Final = 20
_PODS_ASKED_ABOUT: Final = 3
"""Number of failing pods whose events are read: they fail for the same reason, and each costs a call."""

Events = list[Object]


def endpoint(app: ObjectName) -> str:
    """Return the DNS name of the app's Service inside the cluster."""
    return f"{app.name}.{app.namespace}.svc.cluster.local"


def uses_spot(app: Object, settings: DeploySettings) -> bool:
    """Return whether the app's executor prefers spot capacity."""
    return bool(app["spec"].get("executor") == settings.kubernetes_executor_spot)


@dataclass(frozen=True, slots=True)
class _Running:
    """What runs of an app; before it has a Deployment, nothing does."""

    status: Literal["available", "failing", "progressing"] = "progressing"
    error: str | None = None
    pods: list[Object] = field(default_factory=list)
    problems: list[PodProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AppReader:
    """Reads apps from the cluster, for the length of one request."""

    cluster: Cluster
    settings: DeploySettings
    scope: AppScope

    def list(self, namespace: str) -> list[AppSummary]:
        """Summarise all SpinApps of a namespace, by name.

        Raises
        ------
        NamespaceNotFoundError
            There is no such namespace.
        ClusterError
            The cluster could not be asked.
        """
        apps = self.cluster.list(SPIN_APPS, namespace, labels=selector(self.scope))
        if not apps:
            check_namespace(self.cluster, namespace)
        return sorted(map(self._summary, apps), key=lambda app: app.app_name)

    def state(self, name: ObjectName) -> AppState:
        """Put together everything that the cluster says of an app.

        Raises
        ------
        MissingError, NamespaceNotFoundError
            There is no such app, or no such namespace.
        ClusterError
            The cluster could not be asked.
        """
        app = existing_app(self.cluster, name, self.scope)
        deployment, service, autoscaler, events = self._around(app)
        running = self._running(app, deployment)
        pods, problems = running.pods, running.problems
        newest = history.current(app)
        return AppState(
            app_name=name.name,
            namespace=name.namespace,
            status=running.status,
            error=running.error,
            image=_image(app, newest),
            digest=history.digest_of(app["spec"]["image"]),
            revision=newest.number,
            managed=manifests.is_managed(app),
            workspace_id=workspace_of(app),
            enable_autoscaling=autoscales(app),
            use_spot=uses_spot(app, self.settings),
            service_name=name.name,
            service_status="found" if service else "pending",
            endpoint=endpoint(name),
            replicas=replicas_of(deployment, pods),
            autoscaling=_autoscaling(autoscaler) if autoscaler else None,
            conditions=_conditions(app, "SpinApp") + (_conditions(deployment, "Deployment") if deployment else []),
            problems=problems,
            events=_newest([*events, *self._events_of_pods(_troubled(pods, problems), name.namespace)]),
            url=url_of(app, self.settings.kubernetes_expose),
        )

    def _running(self, app: Object, deployment: Object | None) -> _Running:
        """Read how far the app's Deployment has come with the SpinApp's image, and what keeps it from going on."""
        if deployment is None:
            return _Running()
        image = app["spec"]["image"]
        is_new = rollout.runs(deployment, image)
        available = is_new and rollout.is_complete(deployment)
        pods = pods_of(self.cluster, deployment)
        error = rollout.trouble_of(self.cluster, deployment, pods, image) if is_new and not available else None
        # If the rollout is complete, no pod keeps it from being so.
        problems = pod_problems(pods) if not available else []
        if is_made_for(app, deployment):
            problems = [*problems, *crashes_of(self.cluster, ObjectName.of(app), pods)]
        return _Running("available" if available else "failing" if error else "progressing", error, pods, problems)

    def _summary(self, app: Object) -> AppSummary:
        """Summarise an app from its SpinApp alone, as a list shows it."""
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
            use_spot=uses_spot(app, self.settings),
            ready_replicas=ready_replicas(app),
            available=available.get(said[0]) if said else None,
            managed=manifests.is_managed(app),
            workspace_id=workspace_of(app),
            url=url_of(app, self.settings.kubernetes_expose),
        )

    def _around(self, app: Object) -> tuple[Object | None, Object | None, Object | None, Events]:
        """Read the app's Deployment, Service, autoscaler and events at the same time."""
        name = ObjectName.of(app)
        find = partial(self.cluster.find, name=name)
        found: Events = []
        deployment, service, autoscaler, _ = together(
            partial(find, DEPLOYMENTS),
            partial(find, SERVICES),
            partial(find, AUTOSCALERS) if autoscales(app) else lambda: None,
            # SpinApp, Deployment, Service and autoscaler have the same name: one call for all four.
            lambda: found.extend(events_of(self.cluster, name)),
        )
        return deployment, service, autoscaler, found

    def _events_of_pods(self, pods: Iterable[str], namespace: str) -> Events:
        questions = [partial(events_of, self.cluster, ObjectName(namespace, pod)) for pod in pods]
        return [event for events in (together(*questions) if questions else []) for event in events]


def _image(app: Object, newest: history.Revision) -> str:
    """Return the reference that the request named, unless somebody has set another image by hand since."""
    run = str(app["spec"]["image"])
    return newest.image if newest.spec.get("image") == run else run


def replicas_of(deployment: Object | None, pods: Iterable[Object]) -> Replicas:
    """Count an app's replicas and their restarts; none without a Deployment."""
    containers = [each for pod in pods for each in (pod.get("status") or {}).get("containerStatuses") or []]
    status = (deployment or {}).get("status") or {}
    return Replicas(
        desired=deployment["spec"].get("replicas", 1) if deployment else None,
        ready=status.get("readyReplicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        restarts=sum(container.get("restartCount") or 0 for container in containers),
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


def _troubled(pods: list[Object], problems: list[PodProblem]) -> list[str]:
    """Return the names of the pods whose events may say why they do not run."""
    waiting = [pod["metadata"]["name"] for pod in pods if (pod.get("status") or {}).get("phase") == "Pending"]
    troubled = [problem.pod for problem in problems if problem.reason not in PASSING]
    return list(dict.fromkeys([*troubled, *waiting]))[:_PODS_ASKED_ABOUT]


def _newest(events: Events) -> list[AppEvent]:
    newest = sorted(events, key=lambda event: _last_seen(event) or "", reverse=True)
    return [_event(event) for event in newest[:_MOST_EVENTS]]


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
