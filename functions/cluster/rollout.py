"""Wait for what the operator does after a SpinApp is written: the Deployment's rollout, and the Service.

The rollout is read from the Deployment. Right after an update the SpinApp's condition ``Available`` still describes the
old version, and it never shows why pods do not start.
"""

import time
from dataclasses import dataclass
from typing import Final, Literal

from functions.cluster.client import Cluster
from functions.cluster.errors import TooSlowError
from functions.cluster.names import Object, ObjectName
from functions.cluster.problems import PASSING, deployment_problem, pod_problems, pods_of, runtime_problem
from functions.cluster.resources import DEPLOYMENTS, SERVICES
from functions.models.deploy import Rollout

_PAUSE: Final = 0.5
LONGEST_WAIT: Final = 20.0
"""Seconds."""
_LONGEST_WAIT_FOR_SERVICE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Followed:
    """The progress of a rollout, and the Deployment as read last; None if there was none."""

    rollout: Rollout
    deployment: Object | None


def wait(cluster: Cluster, app: Object) -> Followed:
    """Wait until the Deployment has rolled out the app's image, it fails for a known reason, or the time is over.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    cluster = cluster.for_at_most(LONGEST_WAIT)
    image = app["spec"]["image"]
    message = "the operator has not created the Deployment for this image yet"
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
        pass  # The time was over during a call: the last answer counts.
    return Followed(Rollout(status="progressing", message=message), deployment)


def service_status(cluster: Cluster, app: ObjectName) -> Literal["found", "pending"]:
    """Return ``found`` as soon as the Service exists, or ``pending`` after three seconds without it.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    for _ in cluster.for_at_most(_LONGEST_WAIT_FOR_SERVICE).watch(SERVICES, app):
        return "found"
    return "pending"


def runs(deployment: Object, image: str) -> bool:
    """Return whether the Deployment has been set to ``image``."""
    return str(deployment["spec"]["template"]["spec"]["containers"][0].get("image", "")) == image


def is_complete(deployment: Object) -> bool:
    """Apply the rule of ``kubectl rollout status``: all replicas are new and available, and no old one is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return bool(
        int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


def progress(deployment: Object) -> str:
    """Return the progress of a rollout as a sentence."""
    status = deployment.get("status") or {}
    return (
        f"{status.get('updatedReplicas', 0)} of {deployment['spec'].get('replicas', 1)} replicas are new, "
        f"{status.get('availableReplicas', 0)} are available"
    )


def trouble_of(cluster: Cluster, deployment: Object, pods: list[Object], image: str) -> str | None:
    """Return why the new pods do not start, if the Deployment or one of ``pods`` reports it."""
    if problem := deployment_problem(deployment):
        return problem
    problems = [problem for problem in pod_problems(pods, image) if problem.reason not in PASSING]
    first = problems[0] if problems else runtime_problem(cluster, pods, image)
    return f"{first.reason}: {first.message}".rstrip(": ") if first else None
