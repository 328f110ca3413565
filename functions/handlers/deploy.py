"""The deploy function: routes for apps (functions/api/routes/apps.py), and the deploy blocks of builds."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api import build_deployment
from functions.api.cluster_errors import answer_cluster_errors
from functions.api.http import create_resolver, resolve
from functions.api.routes import apps
from functions.telemetry import logger, metrics, tracer

app = create_resolver()
answer_cluster_errors(app)
app.include_router(apps.router)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point: API Gateway (HTTP API, payload format 2.0), the build API, or the state machine."""
    if "requestContext" in event:
        return resolve(app, event, context)
    if "ask" in event:
        return build_deployment.rehearse(event, context)
    return build_deployment.deploy(event, context)
