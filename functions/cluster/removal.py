"""Removing an app: its SpinApp and its autoscaler, and nothing that somebody else made."""

import contextlib
from http import HTTPStatus

from functions.cluster import manifests
from functions.cluster.api import ClusterApi, find
from functions.cluster.deadline import Deadline
from functions.cluster.errors import OUTCOME_UNKNOWN, ConflictError, NotFoundError, RefusedError
from functions.cluster.preconditions import existing_app
from functions.cluster.resources import AUTOSCALERS, SPIN_APPS


def remove(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> None:
    """Delete the SpinApp; what is owned by it (Deployment, Service, autoscaler) goes with it.

    Raises
    ------
    RefusedError
        There is no such app (404), or this service did not make it (409).
    ClusterError
        It may still be there.
    """
    app = existing_app(api, namespace, name, deadline)
    if not manifests.is_managed(app):
        raise RefusedError(
            HTTPStatus.CONFLICT,
            f"SpinApp '{name}' in namespace '{namespace}' was not made by this service: delete it with kubectl",
        )
    uid = app["metadata"]["uid"]
    try:
        api.delete(SPIN_APPS, namespace, name, uid, deadline)
    except NotFoundError:
        pass  # Somebody was faster.
    except (ConflictError, *OUTCOME_UNKNOWN):
        now = find(api, SPIN_APPS, namespace, name, deadline)
        if now is not None and now["metadata"]["uid"] == uid and not now["metadata"].get("deletionTimestamp"):
            raise
    _remove_autoscaler(api, namespace, name, uid, deadline)


def _remove_autoscaler(api: ClusterApi, namespace: str, name: str, owner: str, deadline: Deadline) -> None:
    """The garbage collector would do it, later; an app that is gone should not be scaled until then."""
    autoscaler = find(api, AUTOSCALERS, namespace, name, deadline)
    if autoscaler is None:
        return
    references = autoscaler["metadata"].get("ownerReferences") or []
    if not any(reference.get("uid") == owner for reference in references):
        return
    with contextlib.suppress(NotFoundError, ConflictError):  # gone, or another's by now
        api.delete(AUTOSCALERS, namespace, name, autoscaler["metadata"]["uid"], deadline)
