"""What an update changes of a SpinApp: a JSON merge patch, worked out from the app as it is and the request.

Merge patch, not server-side apply, and here is why, once for all writes: with apply, a field that the writer owned and
leaves out is removed, so each deploy would have to repeat everything it ever set, and would have to force itself over
fields that somebody has since set with kubectl. The contract is the other way round: what a request leaves out stays
as it is, whoever set it. A merge patch says exactly that. It replaces lists (variables) whole, so every patch carries
the ``resourceVersion`` that was read, and a change in between is a 409 that is read and worked out again.
"""

from functions.cluster import manifests
from functions.cluster.api import Object
from functions.cluster.settings import DeploySettings
from functions.contracts.deploy import DeployRequest, check_scaling


def autoscales(app: Object) -> bool:
    """Whether a SpinApp leaves its number of replicas to an autoscaler."""
    return bool(app["spec"].get("enableAutoscaling", False))


def autoscaling_after(app: Object, request: DeployRequest) -> bool:
    """Whether it will, once ``request`` is carried out."""
    return request.enable_autoscaling if request.mentions("enable_autoscaling") else autoscales(app)


def ready_replicas(app: Object) -> int:
    """How many of the app's pods serve, as the operator saw it last."""
    return int((app.get("status") or {}).get("readyReplicas") or 0)


def update(app: Object, request: DeployRequest, settings: DeploySettings, request_id: str) -> Object:
    """The merge patch for ``app``, guarded with its ``resourceVersion``.

    Raises
    ------
    ValueError
        The request does not fit the app as it is; the message says why.
    """
    now: Object = app["spec"]
    autoscaling = autoscaling_after(app, request)
    check_scaling(request, autoscaling=autoscaling)

    spec: Object = {"image": request.image_ref}
    if request.mentions("use_spot"):
        spec["executor"] = manifests.executor(settings, use_spot=request.use_spot)
    spec.update(_scaling(app, request, settings, autoscaling))
    turned_on = autoscaling and not autoscales(app)
    if resources := manifests.resources(request, now.get("resources") or {}, settings, defaults=turned_on):
        spec["resources"] = resources
    spec.update(manifests.named_parts(request, now.get("variables") or []))
    metadata = {
        "resourceVersion": app["metadata"]["resourceVersion"],
        "annotations": {manifests.REQUEST_ID: request_id},
    }
    return {"metadata": metadata, "spec": spec}


def _scaling(app: Object, request: DeployRequest, settings: DeploySettings, autoscaling: bool) -> Object:
    if autoscaling:
        # null takes `replicas` away: the webhook refuses it beside autoscaling.
        return {} if autoscales(app) else {"enableAutoscaling": True, "replicas": None}
    if request.replicas is not None:
        return {"enableAutoscaling": False, "replicas": request.replicas}
    if autoscales(app):
        # Going on with as many as the autoscaler had come to: no capacity is lost by the switch.
        return {"enableAutoscaling": False, "replicas": ready_replicas(app) or settings.fixed_replicas_default}
    return {}
