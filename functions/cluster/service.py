"""Whether the app's Service is there: the operator makes it a moment after the SpinApp is written."""

from typing import Final, Literal

from functions.cluster.api import ClusterApi
from functions.cluster.deadline import Deadline
from functions.cluster.resources import SERVICES

_LONGEST_WAIT: Final = 3.0


def service_status(api: ClusterApi, namespace: str, name: str, deadline: Deadline) -> Literal["found", "pending"]:
    """``found`` as soon as the Service exists, ``pending`` if it does not within three seconds.

    Raises
    ------
    ClusterError
        The cluster did not say.
    """
    for _ in api.watch(SERVICES, namespace, name, deadline.at_most(_LONGEST_WAIT)):
        return "found"
    return "pending"
