"""Names of functions, state machine and dashboards: the stack gives them, `infra.preflight` looks if they are free."""

from typing import Final

LONGEST_STACK_NAME: Final = 48
"""Functions are named after the stack, and their names have 64 characters at most."""


def function(stack_name: str, module: str) -> str:
    """Return the name of the Lambda function whose handler is the module of this name."""
    return f"{stack_name}-{module.replace('_', '-')}"


def state_machine(stack_name: str) -> str:
    """Return the name of the state machine of builds."""
    return f"{stack_name}-build"


def dashboard(stack_name: str, namespace: str | None = None) -> str:
    """Return the name of the service's dashboard, or of that of a namespace's functions."""
    return stack_name if namespace is None else f"{stack_name}-{namespace}"
