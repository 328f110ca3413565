"""Concurrent executions by function: none can take those of another (docs/decisions/0041-callers-who-wait.md)."""

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.metrics import functions_of
from infra.settings import Concurrency


def reserve(scope: Construct, concurrency: Concurrency | None) -> None:
    """Reserve for every function of the stack what the settings give it; nothing where they are None."""
    if concurrency is None:
        return
    for function in functions_of(scope):
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101  # narrows the type; the L2 always has this child
        resource.reserved_concurrent_executions = concurrency.of(function.module)
