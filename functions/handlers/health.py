"""The health function: GET /health. It answers whatever the others are busy with, as nothing else is asked of it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.documented_responses import responses
from functions.api.http import create_resolver, resolve
from functions.models.service import Health
from functions.telemetry import logger

app = create_resolver()


@app.get(
    "/health",
    summary="Check that the API is up",
    tags=["Service"],
    operation_id="getHealth",
    responses=responses(Health, {}),
)
def health() -> Health:
    """Confirm that the API is up."""
    return Health()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point (API Gateway HTTP API, payload format 2.0)."""
    return resolve(app, event, context)
