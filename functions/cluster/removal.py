"""Remove an app: its SpinApp and its autoscaler, and nothing that others have created."""

import contextlib

from functions.cluster import manifests
from functions.cluster.client import Cluster
from functions.cluster.errors import OUTCOME_UNKNOWN, AppStateError, ConflictError, NotFoundError
from functions.cluster.names import ObjectName
from functions.cluster.preconditions import existing_app
from functions.cluster.resources import AUTOSCALERS, SPIN_APPS
from functions.tenancy.workspace import AppScope


def remove(cluster: Cluster, name: ObjectName, scope: AppScope) -> None:
    """Delete the SpinApp. Kubernetes deletes what it owns: Deployment, Service and autoscaler.

    Raises
    ------
    MissingError
        The app does not exist, or is not in ``scope``.
    AppStateError
        This service did not create the app.
    ClusterError
        The app may still exist.
    """
    app = existing_app(cluster, name, scope)
    if not manifests.is_managed(app):
        raise AppStateError(f"SpinApp {name} was not created by this service: delete it with kubectl")
    uid = app["metadata"]["uid"]
    try:
        cluster.delete(SPIN_APPS, name, uid)
    except NotFoundError:
        pass  # Another request has deleted it.
    except (ConflictError, *OUTCOME_UNKNOWN):
        now = cluster.find(SPIN_APPS, name)
        if now is not None and now["metadata"]["uid"] == uid and not now["metadata"].get("deletionTimestamp"):
            raise
    _remove_autoscaler(cluster, name, uid)


def _remove_autoscaler(cluster: Cluster, name: ObjectName, owner: str) -> None:
    """Delete the autoscaler now: the garbage collector would do so later, and until then it would go on scaling."""
    autoscaler = cluster.find(AUTOSCALERS, name)
    if autoscaler is None:
        return
    references = autoscaler["metadata"].get("ownerReferences") or []
    if not any(reference.get("uid") == owner for reference in references):
        return
    with contextlib.suppress(NotFoundError, ConflictError):  # deleted, or another app's by now
        cluster.delete(AUTOSCALERS, name, autoscaler["metadata"]["uid"])
