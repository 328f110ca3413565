"""The operations on apps and their responses, for the routes of the deploy API and for the state machine."""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, Self

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.cluster import history, logs, removal, rollout, traffic
from functions.cluster.changes import autoscales, ready_replicas
from functions.cluster.client import Cluster
from functions.cluster.deadline import ANSWERING, WHOLE_ANSWER, Deadline
from functions.cluster.deployer import Deployed, Deployer
from functions.cluster.eks import cluster_until
from functions.cluster.errors import ClusterError
from functions.cluster.exposure import url_of
from functions.cluster.logs import LogQuery
from functions.cluster.names import Object, ObjectName
from functions.cluster.ownership import is_made_for, workspace_of
from functions.cluster.preconditions import existing_app
from functions.cluster.problems import pods_of
from functions.cluster.resources import DEPLOYMENTS
from functions.cluster.settings import DeploySettings
from functions.cluster.state import AppReader, endpoint, replicas_of, uses_spot
from functions.contracts.function_metrics import MeasuredApp, sends_spans
from functions.contracts.timestamps import timestamp
from functions.models.app_metrics import AppMetrics, AppMetricsPoint
from functions.models.apps import (
    AppDeleted,
    AppList,
    AppLog,
    AppLogLine,
    AppLogReplica,
    AppState,
    RevisionEntry,
    RevisionList,
    RollbackRequest,
)
from functions.models.deploy import DeployRequest, DeployResponse, Rollout
from functions.tasks.long_poll import poll
from functions.tasks.waiting import WaitingRoom
from functions.telemetry import logger, metrics
from functions.tenancy import audit
from functions.tenancy.workspace import AppScope, Workspace

_FUNCTION: Final = "deploy"
"""The handler whose concurrent executions the callers who wait take."""
_NOT_MEASURED: Final = (
    "Requests of this app are not measured: its executor does not say where to send what is measured. The service's "
    "operator can set that up for the namespace (docs/observability.md)."
)
_NOT_STARTED: Final = "The app has no Deployment yet: the operator in the cluster makes it. Ask again in a moment."
_NOTHING_YET: Final = (
    "CloudWatch has nothing of this app in this time: there was no request, or the collector in the cluster sends "
    "nothing. What is newest arrives after up to two minutes."
)
_LAST_LOOK: Final = 5.0
"""Seconds kept back from a request's time for the last look at the logs that it waits for."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """The apps of one cluster, for the length of one request.

    Every method raises what `functions.api.cluster_errors` answers: `RefusedError` and `ClusterError`.
    """

    cluster: Cluster
    settings: DeploySettings
    by: str
    """The caller, for the history."""
    scope: AppScope
    """The apps that the caller may see and change."""

    @classmethod
    def open(
        cls, context: LambdaContext, by: str, namespace: str, scope: AppScope, *, seconds: float = WHOLE_ANSWER
    ) -> Self:
        """Open the cluster for a request about ``namespace``, for some seconds or until the Lambda's own deadline."""
        logger.append_keys(namespace=namespace)
        settings = DeploySettings.read()
        deadline = Deadline.after(min(seconds, context.get_remaining_time_in_millis() / 1000 - ANSWERING))
        return cls(cluster_until(deadline, settings.kubernetes_cluster_name, settings.aws_region), settings, by, scope)

    def deploy(self, request: DeployRequest) -> DeployResponse:
        """Create or update an app.

        Raises
        ------
        TooManyWaitingError
            The request waits, and there is no place: nothing has been changed.
        """
        with self._place(self.scope.only()) if request.wait else nullcontext():
            return self._deployed(self._deployer().deploy(request), wait=request.wait)

    def rehearse(self, request: DeployRequest) -> None:
        """Check that a deploy would be accepted, but for its image."""
        self._deployer().rehearse(request)

    def roll_back(self, app: ObjectName, request: RollbackRequest) -> DeployResponse:
        """Restore an earlier revision of an app.

        Raises
        ------
        TooManyWaitingError
            The request waits, and there is no place: nothing has been changed.
        """
        with self._place(self._owner(existing_app(self.cluster, app, self.scope))) if request.wait else nullcontext():
            return self._deployed(self._deployer().roll_back(app, request.revision), wait=request.wait)

    def state(self, app: ObjectName) -> AppState:
        """Read an app as it is now."""
        return self._reader().state(app)

    def list(self, namespace: str) -> AppList:
        """List the SpinApps of a namespace that are in the scope."""
        return AppList(namespace=namespace, apps=self._reader().list(namespace))

    def revisions(self, app: ObjectName) -> RevisionList:
        """List the deploys of an app, newest first."""
        known = history.revisions(existing_app(self.cluster, app, self.scope))
        entries = [
            RevisionEntry(
                revision=revision.number,
                image=revision.image,
                digest=revision.digest,
                deployed_by=revision.by,
                deployed_at=revision.at,
                changed=revision.changed,
                rollback_of=revision.rollback_of,
                host=revision.host,
                current=revision is known[-1],
            )
            for revision in reversed(known)
        ]
        return RevisionList(app_name=app.name, namespace=app.namespace, revisions=entries)

    def log(self, app: ObjectName, query: LogQuery, *, wait: int) -> AppLog:
        """Read what an app has printed; with ``wait`` seconds, not before there are lines or the time is over."""
        spin_app = existing_app(self.cluster, app, self.scope)

        def ask() -> logs.Log:
            _, pods = self._running(spin_app)
            return logs.read(self.cluster, app, pods, query)

        seconds = min(float(wait), max(0.0, self.cluster.deadline.remaining() - _LAST_LOOK))
        room = WaitingRoom.of(self.settings, _FUNCTION, self._owner(spin_app))
        found = poll(ask, lambda log: bool(log.lines), seconds, room)
        return AppLog(
            app_name=app.name,
            namespace=app.namespace,
            replicas=[AppLogReplica(name=each.name, note=each.note) for each in found.replicas],
            lines=[AppLogLine(timestamp=line.at, replica=line.replica, message=line.text) for line in found.lines],
            cut=found.cut,
            next=found.lines[-1].at if found.lines else query.since,
        )

    def traffic(self, app: ObjectName, window: traffic.Window) -> AppMetrics:
        """Read what was measured of an app's requests, and its replicas as they are now."""
        deployment, pods = self._running(existing_app(self.cluster, app, self.scope))
        measured = deployment is not None and sends_spans(deployment["spec"]["template"]["spec"])
        name = MeasuredApp(self.settings.kubernetes_cluster_name, app.namespace, app.name)
        found = traffic.read(name, window) if measured else None
        any_requests = found is not None and bool(found.points)
        nothing = _NOTHING_YET if measured else _NOT_STARTED if deployment is None else _NOT_MEASURED
        return AppMetrics(
            app_name=app.name,
            namespace=app.namespace,
            measured=measured,
            note=None if any_requests else nothing,
            start=_moment(window.start),
            end=_moment(window.end),
            period=window.period,
            requests=found.requests if found and any_requests else None,
            errors=found.errors if found and any_requests else None,
            latency_average_ms=found.average if found else None,
            points=list(map(_point, found.points)) if found else [],
            replicas=replicas_of(deployment, pods),
        )

    def delete(self, app: ObjectName) -> AppDeleted:
        """Remove an app that this service made."""
        removal.remove(self.cluster, app, self.scope)
        metrics.add_metric("AppDeleted", MetricUnit.Count, 1)
        logger.info("app deleted", app_name=app.name, by=self.by)
        return AppDeleted(app_name=app.name, namespace=app.namespace)

    def _running(self, app: Object) -> tuple[Object | None, Sequence[Object]]:
        """Find the Deployment that the operator has made for an app, and its pods; None and none without it."""
        deployment = self.cluster.find(DEPLOYMENTS, ObjectName.of(app))
        if deployment is None or not is_made_for(app, deployment):
            return None, []
        return deployment, pods_of(self.cluster, deployment)

    def _deployer(self) -> Deployer:
        # The Lambda's own request id repeats when an event is delivered again; this one is unique to each try.
        request_id = str(uuid.uuid4())
        return Deployer(self.cluster, self.settings, request_id=request_id, by=self.by, scope=self.scope)

    def _place(self, workspace: Workspace | None) -> AbstractContextManager[None]:
        return WaitingRoom.of(self.settings, _FUNCTION, workspace).place(rollout.LONGEST_WAIT)

    def _owner(self, app: Object) -> Workspace | None:
        return self.scope.of(workspace_of(app))

    def _reader(self) -> AppReader:
        return AppReader(self.cluster, self.settings, self.scope)

    # The app is deployed by now: later errors must not turn the response into a failure.

    def _deployed(self, deployed: Deployed, *, wait: bool) -> DeployResponse:
        app, image = deployed.app, deployed.image
        name = ObjectName.of(app)
        audit.note(app_name=name.name)
        metrics.add_metric("Deployed", MetricUnit.Count, 1)
        logger.info("deployed", app_name=name.name, image=image.run, by=self.by)
        followed = self._followed(deployed) if wait else None
        progress = followed.rollout if followed else None
        return DeployResponse(
            app_name=name.name,
            namespace=name.namespace,
            service_name=name.name,
            service_status=self._service_status(name),
            endpoint=endpoint(name),
            enable_autoscaling=autoscales(app),
            use_spot=uses_spot(app, self.settings),
            error=progress.message if progress and progress.status == "failing" else None,
            image=image.asked,
            digest=history.digest_of(app["spec"]["image"]),
            image_checked=image.unchecked is None,
            image_unchecked_reason=image.unchecked,
            revision=history.current(app).number,
            # The SpinApp was read before the wait, and the operator writes its status after the Deployment's.
            ready_replicas=ready_replicas((followed and followed.deployment) or app),
            url=url_of(app, self.settings.kubernetes_expose),
            rollout=progress,
        )

    def _service_status(self, app: ObjectName) -> Literal["found", "pending"]:
        try:
            return rollout.service_status(self.cluster, app)
        except ClusterError as error:
            logger.warning("service not looked up", reason=str(error))
            return "pending"

    def _followed(self, deployed: Deployed) -> rollout.Followed:
        try:
            return rollout.wait(self.cluster, deployed.app)
        except ClusterError as error:
            logger.warning("rollout not followed", reason=str(error))
            unknown = Rollout(status="progressing", message="the cluster could not be asked how far it is")
            return rollout.Followed(unknown, None)


def _point(point: traffic.Point) -> AppMetricsPoint:
    return AppMetricsPoint(
        start=_moment(point.start),
        requests=point.requests,
        errors=point.errors,
        latency_p50_ms=point.p50,
        latency_p99_ms=point.p99,
    )


def _moment(seconds: int) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
