"""What can be done with apps, each with its answer: the deploy API's routes and the state machine both call this."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Self

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.cluster_errors import answer_to
from functions.cluster import history, removal, rollout, state
from functions.cluster.api import ClusterApi
from functions.cluster.changes import autoscales, ready_replicas
from functions.cluster.deadline import ANSWERING, WHOLE_ANSWER, Deadline
from functions.cluster.deployer import Deployed, Deployer
from functions.cluster.eks import cluster_api
from functions.cluster.errors import ClusterError, InvalidError, RefusedError
from functions.cluster.preconditions import check_namespace, existing_app
from functions.cluster.resources import SPIN_APPS
from functions.cluster.service import service_status
from functions.cluster.settings import DeploySettings
from functions.models.apps import AppDeleted, AppList, AppState, RevisionEntry, RevisionList, RollbackRequest
from functions.models.deploy import DeployRequest, DeployResponse, Rollout
from functions.telemetry import logger, metrics


@dataclass(frozen=True, slots=True)
class Deployments:
    """The apps of one cluster, for the length of one request. Failures are `functions.api.http.ApiError`."""

    api: ClusterApi
    settings: DeploySettings
    deadline: Deadline
    by: str
    """Who asks, for the history."""

    @classmethod
    def open(cls, context: LambdaContext, by: str) -> Self:
        """For the request at hand: the deadline is the API's, or the Lambda's own if that comes first."""
        settings = DeploySettings.read()
        deadline = Deadline.after(min(WHOLE_ANSWER, context.get_remaining_time_in_millis() / 1000 - ANSWERING))
        return cls(cluster_api(settings), settings, deadline, by)

    def deploy(self, request: DeployRequest) -> DeployResponse:
        """Create or update an app."""
        with _answering("deploy", request.namespace):
            deployed = self._deployer().deploy(request)
        return self._deployed(deployed, wait=request.wait)

    def roll_back(self, namespace: str, name: str, request: RollbackRequest) -> DeployResponse:
        """Put back what deploys had set at an earlier revision."""
        with _answering("rollback", namespace):
            deployed = self._deployer().roll_back(namespace, name, request.revision)
        return self._deployed(deployed, wait=request.wait)

    def state(self, namespace: str, name: str) -> AppState:
        """An app as it is now."""
        with _answering("state", namespace):
            app = existing_app(self.api, namespace, name, self.deadline)
            return state.state(self.api, app, self.settings, self.deadline)

    def list(self, namespace: str) -> AppList:
        """All SpinApps of a namespace."""
        with _answering("list", namespace):
            apps = self.api.list(SPIN_APPS, namespace, self.deadline)
            if not apps:
                check_namespace(self.api, namespace, self.deadline)
            found = [state.summary(app, self.settings) for app in apps]
        return AppList(namespace=namespace, apps=sorted(found, key=lambda app: app.app_name))

    def revisions(self, namespace: str, name: str) -> RevisionList:
        """An app's history."""
        with _answering("revisions", namespace):
            known = history.revisions(existing_app(self.api, namespace, name, self.deadline))
        entries = [
            RevisionEntry(
                revision=revision.number,
                image=revision.image,
                digest=revision.digest,
                deployed_by=revision.by,
                deployed_at=revision.at,
                changed=revision.changed,
                rollback_of=revision.rollback_of,
                current=revision is known[-1],
            )
            for revision in reversed(known)
        ]
        return RevisionList(app_name=name, namespace=namespace, revisions=entries)

    def delete(self, namespace: str, name: str) -> AppDeleted:
        """Remove an app that this service made."""
        with _answering("delete", namespace):
            removal.remove(self.api, namespace, name, self.deadline)
        metrics.add_metric("AppDeleted", MetricUnit.Count, 1)
        logger.info("app deleted", namespace=namespace, app_name=name, by=self.by)
        return AppDeleted(app_name=name, namespace=namespace)

    def _deployer(self) -> Deployer:
        # The Lambda's own request id repeats when an event is delivered again; this must be unique to each try.
        return Deployer(self.api, self.settings, self.deadline, request_id=str(uuid.uuid4()), by=self.by)

    # The app is deployed by now: what goes wrong from here on must not turn the answer into a failure.

    def _deployed(self, deployed: Deployed, *, wait: bool) -> DeployResponse:
        app, image = deployed.app, deployed.image
        name, namespace = app["metadata"]["name"], app["metadata"]["namespace"]
        metrics.add_metric("Deployed", MetricUnit.Count, 1)
        logger.info("deployed", namespace=namespace, app_name=name, image=image.run, by=self.by)
        followed = self._followed(deployed) if wait else None
        progress = followed.rollout if followed else None
        return DeployResponse(
            app_name=name,
            namespace=namespace,
            service_name=name,
            service_status=self._service_status(namespace, name),
            endpoint=state.endpoint(name, namespace),
            enable_autoscaling=autoscales(app),
            use_spot=state.uses_spot(app, self.settings),
            error=progress.message if progress and progress.status == "failing" else None,
            image=image.asked,
            digest=history.digest_of(app["spec"]["image"]),
            image_checked=image.unchecked is None,
            image_unchecked_reason=image.unchecked,
            revision=history.current(app).number,
            # Our SpinApp is from before the wait, and the operator writes its status after the Deployment's.
            ready_replicas=ready_replicas((followed and followed.deployment) or app),
            rollout=progress,
        )

    def _service_status(self, namespace: str, name: str) -> Literal["found", "pending"]:
        try:
            return service_status(self.api, namespace, name, self.deadline)
        except ClusterError as error:
            logger.warning("service not looked up", reason=str(error))
            return "pending"

    def _followed(self, deployed: Deployed) -> rollout.Followed:
        try:
            return rollout.wait(self.api, deployed.app, self.deadline)
        except ClusterError as error:
            logger.warning("rollout not followed", reason=str(error))
            unknown = Rollout(status="progressing", message="the cluster could not be asked how far it is")
            return rollout.Followed(unknown, None)


@contextmanager
def _answering(what: str, namespace: str) -> Iterator[None]:
    """Turn what the cluster and our own rules say into the API's answers."""
    try:
        yield
    except (RefusedError, ClusterError) as error:
        changes = what in ("deploy", "rollback", "delete")
        answer = answer_to(error, namespace, changes=changes)
        if changes:
            metrics.add_metric("DeployFailed" if answer.status >= 500 else "DeployRefused", MetricUnit.Count, 1)
        # What the API server says of an invalid object may quote a variable's value: for the caller, not for the log.
        reason = type(error).__name__ if isinstance(error, InvalidError) else str(error)
        logger.warning(f"{what} failed", namespace=namespace, status=int(answer.status), reason=reason)
        raise answer from error
