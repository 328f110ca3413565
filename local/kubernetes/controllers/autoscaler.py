"""HorizontalPodAutoscaler -> size of its Deployment, by the resource metrics of the pods.

The metrics come from ``metrics.k8s.io``, where the kubelet writes them (on a real cluster: metrics-server).
"""

import time
from datetime import UTC, datetime
from typing import Any

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.selectors import match_label_selector
from local.kubernetes.controllers.autoscaling_math import (
    DOWNSCALE_WINDOW_SECONDS,
    MetricUnavailableError,
    Proposal,
    Stabilizer,
    bounded,
    proposal,
)
from local.kubernetes.controllers.rollout import spec_replicas, status_count
from local.kubernetes.machinery.api import Api, Key, key_of, object_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import changed, is_terminating, put_condition
from local.kubernetes.machinery.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, POD_METRICS, PODS, Json

SYNC_SECONDS = 15.0


class HorizontalPodAutoscalerController(Controller):
    """Keeps every autoscaled Deployment at the size that its load asks for."""

    name = "horizontalpodautoscaler"

    def __init__(
        self,
        api: Api,
        queue: WorkQueue,
        events: EventRecorder,
        *,
        sync_seconds: float = SYNC_SECONDS,
        downscale_seconds: float = DOWNSCALE_WINDOW_SECONDS,
    ) -> None:
        super().__init__(api, queue, events)
        self._sync = sync_seconds
        self._downscale = downscale_seconds
        self._autoscalers = api.informer(HORIZONTAL_POD_AUTOSCALERS)
        self._deployments = api.informer(DEPLOYMENTS)
        self._pods = api.informer(PODS)
        self._metrics = api.informer(POD_METRICS)
        self._stabilizers: dict[Key, Stabilizer] = {}
        self._autoscalers.add_handler(self._autoscaler_changed)
        self._deployments.add_handler(self._deployment_changed)
        self._metrics.add_handler(self._metrics_changed)

    def _autoscaler_changed(self, before: Json | None, after: Json | None) -> None:
        if after is None:
            self._stabilizers.pop(key_of(object_of(before, after)), None)
        elif before is None or before["spec"] != after["spec"]:  # not for our own status
            self.enqueue(key_of(after))

    def _deployment_changed(self, before: Json | None, after: Json | None) -> None:
        if before and after and status_count(before, "replicas") == status_count(after, "replicas"):
            return
        namespace, name = key_of(object_of(before, after))
        for autoscaler in self._autoscalers.items(namespace):
            if autoscaler["spec"]["scaleTargetRef"]["name"] == name:
                self.enqueue(key_of(autoscaler))

    def _metrics_changed(self, before: Json | None, after: Json | None) -> None:
        namespace, name = key_of(object_of(before, after))
        pod = self._pods.get(namespace, name)
        for autoscaler in self._autoscalers.items(namespace) if pod is not None else ():
            deployment = self._deployments.get(namespace, autoscaler["spec"]["scaleTargetRef"]["name"])
            labels = (pod or {})["metadata"].get("labels")
            if deployment is not None and match_label_selector(deployment["spec"]["selector"], labels):
                self.enqueue(key_of(autoscaler), 0.2)  # the samples of a Deployment's pods come together

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Work out the size, set it, report."""
        autoscaler = self._autoscalers.get(namespace, name)
        if autoscaler is None or is_terminating(autoscaler):
            return None
        target = autoscaler["spec"]["scaleTargetRef"]
        conditions = [dict(entry) for entry in autoscaler.get("status", {}).get("conditions") or []]
        deployment = self._deployments.get(namespace, target["name"]) if target["kind"] == "Deployment" else None
        if deployment is None:
            message = f"the HPA controller was unable to get the target's current scale: {target['kind']} not found"
            _say(conditions, "AbleToScale", "False", "FailedGetScale", message)
            self._report(autoscaler, {"conditions": conditions})
            return self._sync
        current = spec_replicas(deployment)
        desired, metrics = self._desired(autoscaler, deployment, current, conditions)
        status: dict[str, Any] = {
            "observedGeneration": autoscaler["metadata"].get("generation", 1),
            "currentReplicas": status_count(deployment, "replicas"),
            "desiredReplicas": desired,
            "currentMetrics": [metric.current for metric in metrics],
            "conditions": conditions,
        }
        if desired != current:
            self._api.patch(DEPLOYMENTS, namespace, target["name"], {"spec": {"replicas": desired}})
            status["lastScaleTime"] = timestamp()
            _say(
                conditions,
                "AbleToScale",
                "True",
                "SucceededRescale",
                f"the HPA controller was able to update the target scale to {desired}",
            )
            reason = _reason(current, desired, autoscaler, metrics)
            self._events.event(autoscaler, "Normal", "SuccessfulRescale", f"New size: {desired}; reason: {reason}")
        else:
            _say(conditions, "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        self._report(autoscaler, status)
        return self._sync

    def _desired(
        self, autoscaler: Json, deployment: Json, current: int, conditions: list[Json]
    ) -> tuple[int, list[Proposal]]:
        spec = autoscaler["spec"]
        least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
        if current == 0:
            _say(
                conditions,
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            )
            return 0, []
        if current > most or current < least:
            _say(conditions, "ScalingActive", "True", "ValidMetricFound", "the replica count is outside its limits")
            return (most if current > most else least), []
        proposals = self._proposals(autoscaler, deployment, current, conditions)
        if not proposals:
            return current, []
        wanted = max(entry.replicas for entry in proposals)
        stabilizer = self._stabilizers.setdefault(key_of(autoscaler), Stabilizer(self._downscale))
        desired, reason = bounded(stabilizer.settle(wanted, current, time.monotonic()), current, least, most)
        limited = reason != "DesiredWithinRange"
        _say(conditions, "ScalingLimited", "True" if limited else "False", reason, f"the desired count is {desired}")
        return desired, proposals

    def _proposals(self, autoscaler: Json, deployment: Json, current: int, conditions: list[Json]) -> list[Proposal]:
        namespace = deployment["metadata"]["namespace"]
        pods = [
            pod
            for pod in self._pods.items(namespace)
            if match_label_selector(deployment["spec"]["selector"], pod["metadata"].get("labels"))
        ]
        usage = {metrics["metadata"]["name"]: metrics for metrics in self._metrics.items(namespace)}
        found: list[Proposal] = []
        failure: MetricUnavailableError | None = None
        for metric in autoscaler["spec"].get("metrics") or []:
            try:
                found.append(proposal(metric, current, pods, usage, datetime.now(UTC)))
            except MetricUnavailableError as error:
                failure = failure or error
        if failure is not None and (not found or max(entry.replicas for entry in found) < current):
            # With a metric unknown, going down on the others' word alone could starve it.
            message = f"the HPA was unable to compute the replica count: {failure}"
            _say(conditions, "ScalingActive", "False", "FailedGetResourceMetric", message)
            return []
        if found:
            best = max(found, key=lambda entry: entry.replicas)
            message = f"the HPA was able to successfully calculate a replica count from {best.name}"
            _say(conditions, "ScalingActive", "True", "ValidMetricFound", message)
        return found

    def _report(self, autoscaler: Json, status: Json) -> None:
        if changed(autoscaler, status):
            self._api.patch(HORIZONTAL_POD_AUTOSCALERS, *key_of(autoscaler), {"status": status}, "status")


def _say(conditions: list[Json], kind: str, status: str, reason: str, message: str) -> None:
    put_condition(conditions, {"type": kind, "status": status, "reason": reason, "message": message})


def _reason(current: int, desired: int, autoscaler: Json, metrics: list[Proposal]) -> str:
    spec = autoscaler["spec"]
    if not metrics:
        high = current > int(spec["maxReplicas"])
        return f"Current number of replicas {'above Spec.MaxReplicas' if high else 'below Spec.MinReplicas'}"
    if desired < current:
        return "All metrics below target"
    return f"{max(metrics, key=lambda entry: entry.replicas).name} above target"
