"""Check for the app's Service, which the operator creates a moment after the SpinApp is written."""

from typing import Final, Literal

from functions.cluster.client import Cluster
from functions.cluster.names import ObjectName
from functions.cluster.resources import SERVICES

_LONGEST_WAIT: Final = 3.0


def service_status(cluster: Cluster, app: ObjectName) -> Literal["found", "pending"]:
    """Return ``found`` as soon as the Service exists, or ``pending`` after three seconds without it.

    Raises
    ------
    ClusterError
        The cluster could not be asked.
    """
    for _ in cluster.for_at_most(_LONGEST_WAIT).watch(SERVICES, app):
        return "found"
    return "pending"
