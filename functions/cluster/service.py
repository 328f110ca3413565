"""Whether the app's Service is there: the operator makes it a moment after the SpinApp is written."""

from typing import Final, Literal

from functions.cluster.client import Cluster
from functions.cluster.names import ObjectName
from functions.cluster.resources import SERVICES

_LONGEST_WAIT: Final = 3.0


def service_status(cluster: Cluster, app: ObjectName) -> Literal["found", "pending"]:
    """``found`` as soon as the Service exists, ``pending`` if it does not within three seconds.

    Raises
    ------
    ClusterError
        The cluster did not say.
    """
    for _ in cluster.for_at_most(_LONGEST_WAIT).watch(SERVICES, app):
        return "found"
    return "pending"
