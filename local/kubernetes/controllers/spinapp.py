"""SpinApp -> Deployment, Service, Secrets, and the Deployment's state back to it: what spin-operator v0.6.1 does."""

from local.kubernetes.api.errors import ApiError
from local.kubernetes.controllers.spinapp_objects import deployment_for, service_for
from local.kubernetes.controllers.spinapp_secrets import ca_secret, ca_secret_name, runtime_secret
from local.kubernetes.machinery.api import Api, Key, key_of, object_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import changed, condition, controller_uid, is_terminating, put_condition
from local.kubernetes.machinery.resources import (
    DEPLOYMENTS,
    SECRETS,
    SERVICES,
    SPIN_APP_EXECUTORS,
    SPIN_APPS,
    Json,
)

FIELD_MANAGER = "spin-operator"


class SpinAppController(Controller):
    """Keeps a Deployment and a Service beside every SpinApp."""

    name = "spinapp"

    def __init__(self, api: Api, queue: WorkQueue, events: EventRecorder) -> None:
        super().__init__(api, queue, events)
        self._apps = api.informer(SPIN_APPS)
        self._executors = api.informer(SPIN_APP_EXECUTORS)
        self._deployments = api.informer(DEPLOYMENTS)
        # What was applied last, and the generations it led to: applying the same again would only cost requests.
        self._applied: dict[Key, tuple[Json, Json | None, tuple[str, int] | None]] = {}
        self._apps.add_handler(lambda before, after: self.enqueue(key_of(object_of(before, after))))
        self._executors.add_handler(self._executor_changed)
        self._deployments.add_handler(self._owned_changed)
        api.informer(SERVICES).add_handler(self._owned_changed)

    def _executor_changed(self, before: Json | None, after: Json | None) -> None:
        namespace, name = key_of(object_of(before, after))
        for app in self._apps.items(namespace):
            if app["spec"].get("executor") == name:
                self.enqueue(key_of(app))

    def _owned_changed(self, before: Json | None, after: Json | None) -> None:
        obj = object_of(before, after)
        app = self._apps.get(*key_of(obj))  # both carry the app's name
        if app is not None and controller_uid(obj) == app["metadata"]["uid"]:
            if after is None:
                self._applied.pop(key_of(app), None)
            self.enqueue(key_of(app))

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Apply what the app stands for, then report what became of it."""
        app = self._apps.get(namespace, name)
        if app is None or is_terminating(app):
            self._applied.pop((namespace, name), None)  # the owner references take the rest along
            return None
        executor_name = app["spec"].get("executor", "")
        executor = self._executors.get(namespace, executor_name)
        if executor is None:
            self._events.event(
                app, "Warning", "MissingExecutor", f"Could not find SpinAppExecutor {namespace}/{executor_name}"
            )
            return None  # its creation wakes us
        if app["spec"].get("runtimeConfig"):
            self._events.event(
                app,
                "Warning",
                "RuntimeConfigIgnored",
                "spec.runtimeConfig has no effect on this cluster: key-value stores are local, nothing else is there",
            )
        self._apply(app, executor)
        self._report(app, executor_name)
        return None

    def _apply(self, app: Json, executor: Json) -> None:
        namespace, name = key = key_of(app)
        makes_deployment = executor["spec"].get("createDeployment", True)
        service = service_for(app)
        deployment = self._deployment(app, executor) if makes_deployment else None
        live = self._deployments.get(namespace, name)
        stamp = (live["metadata"]["uid"], live["metadata"].get("generation", 0)) if live else None
        if self._applied.get(key) == (service, deployment, stamp):
            return
        if deployment is not None:
            applied = self._api.apply(DEPLOYMENTS, namespace, deployment, FIELD_MANAGER)
            stamp = (applied["metadata"]["uid"], applied["metadata"].get("generation", 0))
        elif live is not None and controller_uid(live) == app["metadata"]["uid"]:
            self._api.delete(DEPLOYMENTS, namespace, name, uid=live["metadata"]["uid"])
            stamp = None
        self._api.apply(SERVICES, namespace, service, FIELD_MANAGER)
        self._applied[key] = (service, deployment, stamp)

    def _deployment(self, app: Json, executor: Json) -> Json:
        """Make the Deployment to apply, once the Secrets that it mounts are there."""
        runtime = runtime_secret(app)
        for secret in (runtime, ca_secret(executor, app["metadata"]["namespace"])):
            if secret is not None:
                self._create(secret)
        named = app["spec"].get("runtimeConfig", {}).get("loadFromSecret")
        return deployment_for(
            app, executor, runtime["metadata"]["name"] if runtime else named, ca_secret_name(executor)
        )

    def _create(self, secret: Json) -> None:
        try:
            self._api.create(SECRETS, secret["metadata"]["namespace"], secret)
        except ApiError as error:
            if error.code != 409:  # one that is there is left as it is
                raise

    def _report(self, app: Json, executor_name: str) -> None:
        deployment = self._deployments.get(*key_of(app))
        conditions = [dict(entry) for entry in (app.get("status") or {}).get("conditions") or []]
        for kind in ("Available", "Progressing"):
            if (copied := _copied_condition(deployment, kind)) is not None:
                put_condition(conditions, copied)
        ready = (deployment or {}).get("status", {}).get("readyReplicas", 0)
        status = {"activeScheduler": executor_name, "readyReplicas": ready, "conditions": conditions}
        if changed(app, status):
            self._api.patch(SPIN_APPS, *key_of(app), {"status": status}, "status")


def _copied_condition(deployment: Json | None, kind: str) -> Json | None:
    """Repeat the Deployment's condition as the SpinApp has it; None while the Deployment does not report it."""
    if deployment is None:
        unknown = {"status": "Unknown", "reason": "DeploymentNotFound", "message": "Deployment not found"}
        return {"type": kind, **unknown}
    found = condition(deployment.get("status", {}).get("conditions"), kind)
    return found and {field: found.get(field, "") for field in ("type", "status", "reason", "message")}
