"""Waiting until a new version serves, and finding out why it does not: for requests that say ``wait``.

The Deployment is what is watched. A SpinApp's ``Available`` condition still speaks of the old version right after an
update, and what keeps pods from coming up never shows on it.
"""

import time
from typing import Final

from functions.cluster.api import ClusterApi, Object, find
from functions.cluster.deadline import Deadline
from functions.cluster.errors import TooSlowError, shorten
from functions.cluster.resources import DEPLOYMENTS, PODS
from functions.contracts.deploy import Rollout

_PAUSE: Final = 0.5
_LONGEST_WAIT: Final = 20.0

# Reasons that kubelet gives for a container that does not run, and that do not go away by waiting a little.
_FAILING: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
        "StartError",
    }
)


def wait(api: ClusterApi, app: Object, deadline: Deadline) -> Rollout:
    """Wait until the app's Deployment has rolled out the app's image, it fails for a known reason, or time is up.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    until = deadline.at_most(_LONGEST_WAIT)
    namespace, name, image = app["metadata"]["namespace"], app["metadata"]["name"], app["spec"]["image"]
    message = "the operator has not made the Deployment for this image yet"
    try:
        while until.remaining() > 0:
            deployment = find(api, DEPLOYMENTS, namespace, name, until)
            if deployment is not None and _image(deployment) == image:
                if _is_complete(deployment):
                    return Rollout(status="complete")
                if trouble := _trouble(api, deployment, image, until):
                    return Rollout(status="failing", message=trouble)
                message = _progress(deployment)
            time.sleep(max(0.0, min(_PAUSE, until.remaining())))
    except TooSlowError:
        pass  # The wait is over in the middle of a question: the last answer stands.
    return Rollout(status="progressing", message=message)


def _image(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0].get("image", ""))


def _is_complete(deployment: Object) -> bool:
    """The rule of ``kubectl rollout status``: seen by the controller, all replicas new, all available, no old ones."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return bool(
        int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


def _progress(deployment: Object) -> str:
    status = deployment.get("status") or {}
    return (
        f"{status.get('updatedReplicas', 0)} of {deployment['spec'].get('replicas', 1)} replicas are new, "
        f"{status.get('availableReplicas', 0)} are available"
    )


def _trouble(api: ClusterApi, deployment: Object, image: str, deadline: Deadline) -> str | None:
    """Why the new pods do not come up, if the Deployment or one of them says so."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        # Quotas and admission stop pods before there are any: only this condition tells.
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return shorten(f"{condition.get('reason', 'ReplicaFailure')}: {condition.get('message', '')}")
    selector = deployment["spec"]["selector"].get("matchLabels") or {}
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    for pod in api.list(PODS, deployment["metadata"]["namespace"], labels, deadline):
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _FAILING and _runs(pod, image):
                return shorten(f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": "))
    return None


def _runs(pod: Object, image: str) -> bool:
    return any(container.get("image") == image for container in pod["spec"].get("containers") or [])
