"""The build function: routes for builds, uploads, tasks, documentation and the page (functions/api/routes)."""

from typing import Any, Final

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.error_responses import answer_refusals
from functions.api.http import create_resolver, resolve
from functions.api.routes import builds, documentation, page, tasks, uploads, workspaces
from functions.api.settings import BuildApiSettings
from functions.telemetry import logger, metrics, tracer

_LARGER_SOURCE: Final = "Announce a larger source with POST /api/v1/uploads: it goes to S3 itself."

app = create_resolver()
answer_refusals(app)
documentation.answer_unknown_routes(app)
for _routes in (builds, uploads, tasks, workspaces, documentation, page):
    app.include_router(_routes.router)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point (API Gateway HTTP API, payload format 2.0)."""
    larger = _LARGER_SOURCE if event.get("rawPath") == builds.PATH else ""
    return resolve(app, event, context, BuildApiSettings.read().limits_request_bytes, larger)
