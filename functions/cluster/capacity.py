"""Keeping as many replicas as serve while an app goes over to an autoscaler.

With autoscaling off the operator owns ``spec.replicas`` of the Deployment: it applies the field. With autoscaling on it
leaves the field out, and a field that nobody owns any more goes: Kubernetes puts its default there, 1, and kills the
other pods at once. So this service becomes another owner of the number before the switch, as Kubernetes recommends
("Transferring ownership", Server-Side Apply); the autoscaler takes it over when it first scales.
"""

from functions.cluster.client import Cluster
from functions.cluster.errors import OUTCOME_UNKNOWN, ConflictError, NotFoundError
from functions.cluster.names import ObjectName
from functions.cluster.resources import DEPLOYMENTS
from functions.cluster.retries import until_done


def keep_replicas(cluster: Cluster, app: ObjectName) -> None:
    """Own the number of replicas that the app's Deployment has now, if there is one.

    Raises
    ------
    ClusterError
        The number may be lost when autoscaling is turned on.
    """

    def own() -> None:
        deployment = cluster.find(DEPLOYMENTS, app)
        if deployment is None:
            return
        # The uid: applying to one that is gone would try to make a new one.
        metadata = {"name": app.name, "uid": deployment["metadata"]["uid"]}
        replicas = deployment["spec"].get("replicas", 1)
        cluster.apply(DEPLOYMENTS, app, {"metadata": metadata, "spec": {"replicas": replicas}})

    # A conflict: the operator has applied another number since.
    until_done(own, cluster.deadline, ConflictError, NotFoundError, *OUTCOME_UNKNOWN)
