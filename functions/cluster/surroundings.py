"""What must be in a namespace before an app can run there, checked before anything is written.

The API server checks none of this for us, or says it in a way that helps nobody: pods of an app whose ServiceAccount is
missing are never made, and only the ReplicaSet's events say so.
"""

from http import HTTPStatus
from typing import Final

from functions.cluster.api import ClusterApi, Object, find
from functions.cluster.deadline import Deadline
from functions.cluster.errors import RefusedError
from functions.cluster.resources import (
    DEPLOYMENTS,
    EXECUTORS,
    NAMESPACES,
    SERVICE_ACCOUNTS,
    SERVICES,
    SPIN_APPS,
)

_WHAT_THE_OPERATOR_WRITES: Final = (DEPLOYMENTS, SERVICES)


def namespace_not_found(namespace: str) -> RefusedError:
    """The published answer for a namespace that does not exist."""
    return RefusedError(HTTPStatus.NOT_FOUND, f"Namespace '{namespace}' not found")


def check_namespace(api: ClusterApi, namespace: str, deadline: Deadline) -> None:
    """Raise `RefusedError` unless the namespace exists."""
    if find(api, NAMESPACES, None, namespace, deadline) is None:
        raise namespace_not_found(namespace)


def existing_app(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> Object:
    """The SpinApp, or `RefusedError` (404) where there is none."""
    app = find(api, SPIN_APPS, namespace, name, deadline)
    if app is not None:
        return app
    check_namespace(api, namespace, deadline)
    raise RefusedError(HTTPStatus.NOT_FOUND, f"App '{name}' not found in namespace '{namespace}'")


def check_executor(api: ClusterApi, namespace: str, executor: str, deadline: Deadline) -> None:
    """Raise `RefusedError` unless the app's executor is in the app's own namespace, as SpinKube's webhook demands."""
    if find(api, EXECUTORS, namespace, executor, deadline) is not None:
        return
    # A missing namespace shows itself in the same way: asking for it only now saves a call on every good deploy.
    check_namespace(api, namespace, deadline)
    raise RefusedError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"SpinAppExecutor '{executor}' not found in namespace '{namespace}': it must exist in the app's own namespace. "
        "Apply the executor manifests to the namespace, or deploy to one that has them.",
    )


def check_service_account(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> None:
    """Raise `RefusedError` unless the ServiceAccount exists."""
    if find(api, SERVICE_ACCOUNTS, namespace, name, deadline) is None:
        raise RefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"ServiceAccount '{name}' not found in namespace '{namespace}': create it, or leave out service_account",
        )


def check_name_is_free(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> None:
    """Raise `RefusedError` when the name belongs to something that is no function.

    The operator writes the app's Deployment by forced server-side apply and would take over, without asking, one of
    that name that somebody runs something else in.
    """
    for resource in _WHAT_THE_OPERATOR_WRITES:
        there = find(api, resource, namespace, name, deadline)
        if there is None:
            continue
        owners = there["metadata"].get("ownerReferences") or []
        # An app deleted a moment ago may have left its own, still to be collected.
        if not any(owner.get("kind") == SPIN_APPS.kind for owner in owners):
            raise RefusedError(
                HTTPStatus.CONFLICT,
                f"{resource.kind} '{name}' in namespace '{namespace}' is not a function's: choose another app_name",
            )
