"""Waiting until a new version serves, and finding out why it does not: for requests that say ``wait``.

The Deployment is what is watched. A SpinApp's ``Available`` condition still speaks of the old version right after an
update, and what keeps pods from coming up never shows on it.
"""

import time
from dataclasses import dataclass
from typing import Final

from functions.cluster.client import Cluster
from functions.cluster.errors import TooSlowError
from functions.cluster.names import Object, ObjectName
from functions.cluster.problems import PASSING, deployment_problem, pod_problems, pods_of, runtime_problem
from functions.cluster.resources import DEPLOYMENTS
from functions.models.deploy import Rollout

_PAUSE: Final = 0.5
_LONGEST_WAIT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Followed:
    """How a rollout went, and the Deployment as it was seen last; None when it was never seen."""

    rollout: Rollout
    deployment: Object | None


def wait(cluster: Cluster, app: Object) -> Followed:
    """Wait until the app's Deployment has rolled out the app's image, it fails for a known reason, or time is up.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    cluster = cluster.for_at_most(_LONGEST_WAIT)
    image = app["spec"]["image"]
    message = "the operator has not made the Deployment for this image yet"
    deployment: Object | None = None
    try:
        while cluster.deadline.remaining() > 0:
            deployment = cluster.find(DEPLOYMENTS, ObjectName.of(app))
            if deployment is not None and runs(deployment, image):
                if is_complete(deployment):
                    return Followed(Rollout(status="complete"), deployment)
                if trouble := trouble_of(cluster, deployment, pods_of(cluster, deployment), image):
                    return Followed(Rollout(status="failing", message=trouble), deployment)
                message = progress(deployment)
            time.sleep(max(0.0, min(_PAUSE, cluster.deadline.remaining())))
    except TooSlowError:
        pass  # The wait is over in the middle of a question: the last answer stands.
    return Followed(Rollout(status="progressing", message=message), deployment)


def runs(deployment: Object, image: str) -> bool:
    """Whether the Deployment has been set to ``image``."""
    return str(deployment["spec"]["template"]["spec"]["containers"][0].get("image", "")) == image


def is_complete(deployment: Object) -> bool:
    """The rule of ``kubectl rollout status``: seen by the controller, all replicas new, all available, no old ones."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return bool(
        int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


def progress(deployment: Object) -> str:
    """How far it is, as a sentence."""
    status = deployment.get("status") or {}
    return (
        f"{status.get('updatedReplicas', 0)} of {deployment['spec'].get('replicas', 1)} replicas are new, "
        f"{status.get('availableReplicas', 0)} are available"
    )


def trouble_of(cluster: Cluster, deployment: Object, pods: list[Object], image: str) -> str | None:
    """Why the new ones of ``pods`` do not come up, if the Deployment or one of them says so."""
    if problem := deployment_problem(deployment):
        return problem
    problems = [problem for problem in pod_problems(pods, image) if problem.reason not in PASSING]
    first = problems[0] if problems else runtime_problem(cluster, pods, image)
    return f"{first.reason}: {first.message}".rstrip(": ") if first else None
