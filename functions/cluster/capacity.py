"""Keep the number of replicas while an app switches to an autoscaler.

With autoscaling off, the operator owns ``spec.replicas`` of the Deployment: it applies the field. With autoscaling on,
it leaves the field out. Kubernetes resets a field without an owner to its default, 1, and stops the other pods at once.
So this service becomes another owner of the field before the switch, as Kubernetes recommends ("Transferring
ownership", Server-Side Apply). The autoscaler takes the field over when it first scales.
"""

from functions.cluster.client import Cluster
from functions.cluster.errors import OUTCOME_UNKNOWN, ConflictError, NotFoundError
from functions.cluster.names import ObjectName
from functions.cluster.resources import DEPLOYMENTS
from functions.cluster.retries import until_done


def keep_replicas(cluster: Cluster, app: ObjectName) -> None:
    """Own the current number of replicas of the app's Deployment, if there is one.

    Raises
    ------
    ClusterError
        The number may be lost when autoscaling is switched on.
    """

    def own() -> None:
        deployment = cluster.find(DEPLOYMENTS, app)
        if deployment is None:
            return
        # With the uid, applying to a deleted Deployment does not try to create a new one.
        metadata = {"name": app.name, "uid": deployment["metadata"]["uid"]}
        replicas = deployment["spec"].get("replicas", 1)
        cluster.apply(DEPLOYMENTS, app, {"metadata": metadata, "spec": {"replicas": replicas}})

    # A conflict means that the operator has applied another number since.
    until_done(own, cluster.deadline, ConflictError, NotFoundError, *OUTCOME_UNKNOWN)
