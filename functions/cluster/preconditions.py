"""Checks of what an app needs in its namespace, before anything is written.

The API server does not check this, or reports it where nobody looks: if the ServiceAccount is missing, the pods are
never created, and only the ReplicaSet's events say so.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from functions.cluster.client import Cluster
from functions.cluster.errors import (
    AppStateError,
    InvalidError,
    NamespaceNotFoundError,
    UnfitRequestError,
)
from functions.cluster.names import Object, ObjectName
from functions.cluster.ownership import check_owner, not_found
from functions.cluster.parallel import together
from functions.cluster.resources import (
    DEPLOYMENTS,
    LIMIT_RANGES,
    NAMESPACES,
    SERVICE_ACCOUNTS,
    SERVICES,
    SPIN_APPS,
)
from functions.models.quantity import amount
from functions.tenancy.workspace import AppScope

_WRITTEN_BY_OPERATOR: Final = (DEPLOYMENTS, SERVICES)


def check_namespace(cluster: Cluster, namespace: str) -> None:
    """Raise `NamespaceNotFoundError` unless the namespace exists."""
    if cluster.find(NAMESPACES, ObjectName("", namespace)) is None:
        raise NamespaceNotFoundError(namespace)


def existing_app(cluster: Cluster, name: ObjectName, scope: AppScope) -> Object:
    """Read the SpinApp; raise `MissingError` or `NamespaceNotFoundError` if ``scope`` has none of this name."""
    app = cluster.find(SPIN_APPS, name)
    if app is None:
        check_namespace(cluster, name.namespace)
        raise not_found(name)
    check_owner(app, scope)
    return app


def missing_executor(error: InvalidError, namespace: str, executor: str) -> UnfitRequestError | None:
    """Return the error for a SpinApp that SpinKube's webhook refused because its executor is not in its namespace.

    The executor is not checked in advance: the webhook checks it at every write, before anything is stored.
    """
    if "executor does not exist in namespace" not in str(error):
        return None
    return UnfitRequestError(
        f"SpinAppExecutor '{executor}' not found in namespace '{namespace}': it must exist in the app's own namespace. "
        "Apply the executor manifests to the namespace, or deploy to one that has them.",
    )


def check_service_account(cluster: Cluster, account: ObjectName) -> None:
    """Raise `UnfitRequestError` unless the ServiceAccount exists."""
    if cluster.find(SERVICE_ACCOUNTS, account) is None:
        # A missing namespace looks the same. Checking for it only now saves a call on every good deploy.
        check_namespace(cluster, account.namespace)
        raise UnfitRequestError(
            f"ServiceAccount '{account.name}' not found in namespace '{account.namespace}': create it, or leave out "
            "service_account"
        )


def check_name_is_free(cluster: Cluster, name: ObjectName) -> None:
    """Raise `AppStateError` if the name belongs to something that is not a function.

    The operator writes the app's Deployment by forced server-side apply. It would take over an existing Deployment of
    that name without asking.
    """
    found = together(*(partial(cluster.find, kind, name) for kind in _WRITTEN_BY_OPERATOR))
    for resource, there in zip(_WRITTEN_BY_OPERATOR, found, strict=True):
        if there is None:
            continue
        owners = there["metadata"].get("ownerReferences") or []
        # An app that was deleted a moment ago may have left its own, not yet garbage-collected.
        if not any(owner.get("kind") == SPIN_APPS.kind for owner in owners):
            raise AppStateError(f"{resource.kind} {name} does not belong to an app: choose another app_name")


def check_limit_ranges(cluster: Cluster, namespace: str, resources: Object) -> None:
    """Raise `UnfitRequestError` if a request exceeds the limit that the namespace gives to containers without one.

    Kubernetes would refuse the pods, long after the deploy was answered.
    """
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, kind, default in _default_limits(cluster.list(LIMIT_RANGES, namespace)):
        if kind not in limits and kind in requests and amount(str(requests[kind])) > amount(default):
            raise UnfitRequestError(
                f"{kind}_request {requests[kind]} exceeds {default}, the limit that LimitRange '{name}' of "
                f"namespace '{namespace}' gives to containers without one: send {kind}_limit too"
            )


def _default_limits(limit_ranges: Iterable[Object]) -> Iterator[tuple[str, str, str]]:
    """Yield the limits for containers without one: the name of the LimitRange, the kind and the amount of each."""
    for limit_range in limit_ranges:
        for item in limit_range["spec"]["limits"]:
            if item.get("type") == "Container":
                for kind, default in (item.get("default") or {}).items():
                    yield limit_range["metadata"]["name"], kind, str(default)
