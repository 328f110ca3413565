"""The deploy API: POST /api/v1/deploy puts an image on the cluster as a SpinApp, or updates the one of that name."""

import uuid
from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.cluster import rollout
from functions.cluster.answers import answer_to
from functions.cluster.api import ClusterApi, Object
from functions.cluster.changes import autoscales, ready_replicas
from functions.cluster.deadline import ANSWERING, WHOLE_ANSWER, Deadline
from functions.cluster.deployer import Deployer
from functions.cluster.eks import cluster_api
from functions.cluster.errors import ClusterError, InvalidError, RefusedError
from functions.cluster.service import service_status
from functions.cluster.settings import DeploySettings
from functions.contracts.deploy import DeployRequest, DeployResponse, Rollout
from functions.http import create_resolver, resolve

logger = Logger()
tracer = Tracer()
metrics = Metrics()
app = create_resolver()


@app.post("/api/v1/deploy")
def deploy(request: Annotated[DeployRequest, Body()]) -> DeployResponse:
    """Deploy an image: a new app, or with the ``app_name`` of one that exists, its next version."""
    settings = DeploySettings.read()
    deadline = Deadline.after(min(WHOLE_ANSWER, app.lambda_context.get_remaining_time_in_millis() / 1000 - ANSWERING))
    api = cluster_api(settings)
    # The Lambda's own request id repeats when an event is delivered again; this must be unique to each try.
    deployer = Deployer(api, settings, deadline, request_id=str(uuid.uuid4()))
    try:
        spin_app = deployer.deploy(request)
    except (RefusedError, ClusterError) as error:
        answer = answer_to(error, request.namespace)
        metrics.add_metric("DeployFailed" if answer.status >= 500 else "DeployRefused", MetricUnit.Count, 1)
        # What the API server says of an invalid object may quote a variable's value: for the caller, not for the log.
        reason = type(error).__name__ if isinstance(error, InvalidError) else str(error)
        logger.warning("deploy failed", namespace=request.namespace, status=int(answer.status), reason=reason)
        raise answer from error
    metrics.add_metric("Deployed", MetricUnit.Count, 1)
    logger.info("deployed", namespace=request.namespace, app_name=spin_app["metadata"]["name"], image=request.image_ref)
    return _response(api, settings, spin_app, deadline, wait=request.wait)


def _response(
    api: ClusterApi, settings: DeploySettings, spin_app: Object, deadline: Deadline, *, wait: bool
) -> DeployResponse:
    metadata, spec = spin_app["metadata"], spin_app["spec"]
    name, namespace = metadata["name"], metadata["namespace"]
    progress = _progress(api, spin_app, deadline) if wait else None
    return DeployResponse(
        app_name=name,
        namespace=namespace,
        service_name=name,
        service_status=_service_status(api, namespace, name, deadline),
        endpoint=f"{name}.{namespace}.svc.cluster.local",
        enable_autoscaling=autoscales(spin_app),
        use_spot=spec["executor"] == settings.executor_spot,
        error=progress.message if progress and progress.status == "failing" else None,
        image=spec["image"],
        revision=metadata.get("generation", 1),
        ready_replicas=ready_replicas(spin_app),
        rollout=progress,
    )


# The app is deployed by now: what goes wrong from here on must not turn the answer into a failure.


def _service_status(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> Literal["found", "pending"]:
    try:
        return service_status(api, namespace, name, deadline)
    except ClusterError as error:
        logger.warning("service not looked up", reason=str(error))
        return "pending"


def _progress(api: ClusterApi, spin_app: Object, deadline: Deadline) -> Rollout:
    try:
        return rollout.wait(api, spin_app, deadline)
    except ClusterError as error:
        logger.warning("rollout not followed", reason=str(error))
        return Rollout(status="progressing", message="the cluster could not be asked how far it is")


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point (API Gateway HTTP API, payload format 2.0)."""
    return resolve(app, event, context)
