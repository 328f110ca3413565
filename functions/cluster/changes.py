"""What an update or a rollback changes of a SpinApp: a JSON merge patch, worked out from the app as it is.

Merge patch, not server-side apply, and here is why, once for all writes: with apply, a field that the writer owned and
leaves out is removed, so each deploy would have to repeat everything it ever set, and would have to force itself over
fields that somebody has since set with kubectl. The contract is the other way round: what a request leaves out stays
as it is, whoever set it. A merge patch says exactly that. It replaces lists (variables) whole, so every patch carries
the ``resourceVersion`` that was read, and a change in between is a 409 that is read and worked out again.
"""

from dataclasses import dataclass

from functions.cluster import history, manifests
from functions.cluster.bounds import Bounds
from functions.cluster.images import Image
from functions.cluster.names import Object
from functions.cluster.settings import DeploySettings
from functions.models.deploy import DeployRequest, check_scaling


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one app as it was read."""

    spec: Object
    """Merge patch of the SpinApp's spec."""
    autoscaling: bool
    """Whether the app leaves its replicas to an autoscaler afterwards."""
    bounds: Bounds
    says_autoscaling: bool
    """Whether autoscaling is said to be on or off, rather than left as it is."""
    annotation: str
    """The app's history afterwards."""

    @property
    def about_scaling(self) -> bool:
        """Whether anything of it is about the autoscaler."""
        return self.says_autoscaling or bool(self.bounds.named())

    def patch(self, app: Object, request_id: str) -> Object:
        """The whole merge patch, guarded with the ``resourceVersion`` that was read."""
        annotations = {manifests.REQUEST_ID: request_id, history.ANNOTATION: self.annotation}
        checks = manifests.acceptable_checks(app["spec"])
        return {
            "metadata": {"resourceVersion": app["metadata"]["resourceVersion"], "annotations": annotations},
            "spec": {**self.spec, **({"checks": checks} if checks else {})},
        }


def autoscales(app: Object) -> bool:
    """Whether a SpinApp leaves its number of replicas to an autoscaler."""
    return bool(app["spec"].get("enableAutoscaling", False))


def ready_replicas(app: Object) -> int:
    """How many of the app's pods serve, as its SpinApp or its Deployment says."""
    return int((app.get("status") or {}).get("readyReplicas") or 0)


def update(app: Object, request: DeployRequest, image: Image, settings: DeploySettings, by: str) -> Change:
    """What ``request`` changes of ``app``.

    Raises
    ------
    ValueError
        The request does not fit the app as it is; the message says why.
    """
    now: Object = app["spec"]
    says_autoscaling = request.mentions("enable_autoscaling")
    autoscaling = request.enable_autoscaling if says_autoscaling else autoscales(app)
    check_scaling(request, autoscaling=autoscaling)

    spec: Object = {"image": image.run}
    if request.mentions("use_spot"):
        spec["executor"] = manifests.executor(settings, use_spot=request.use_spot)
    spec.update(_scaling(app, request, settings, autoscaling))
    turned_on = autoscaling and not autoscales(app)
    if resources := manifests.resources(request, now.get("resources") or {}, settings, defaults=turned_on):
        spec["resources"] = resources
    spec.update(manifests.named_parts(request, now, history.set_by_deploys(app, "imagePullSecrets")))
    bounds = Bounds.of(request)
    recorded: dict[str, int] = {}
    if autoscaling:
        before = settings.default_bounds() if turned_on else history.current(app).scaling
        recorded = {**before, **bounds.named()}
    annotation = history.after(app, spec, history.Entry(image.asked, by), recorded)
    return Change(spec, autoscaling, bounds, says_autoscaling, annotation)


def rollback(app: Object, revision: history.Revision, settings: DeploySettings, by: str) -> Change:
    """What going back to ``revision`` changes of ``app``: what deploys have changed since is undone, the rest stays.

    Raises
    ------
    ValueError
        What others have set does not go with the revision; the message says what.
    """
    spec = history.restoring(app, revision)
    # Named even when it does not differ, as in any deploy.
    spec["image"] = revision.spec["image"]
    then = history.merged(app["spec"], spec)
    autoscaling = bool(then.get("enableAutoscaling", False))
    # The webhook refuses `replicas` beside autoscaling and demands it without: others may have switched it since.
    if autoscaling and "replicas" in then:
        spec["replicas"] = None
    elif not autoscaling and not then.get("replicas"):
        spec["replicas"] = ready_replicas(app) or settings.fixed_replicas_default
    manifests.check_requests(then.get("resources") or {})
    scaling: dict[str, int] = {}
    recorded: dict[str, int] = {}
    if autoscaling:
        changed = history.changed_since(app, revision)
        scaling = {name: value for name, value in revision.scaling.items() if name in changed or not autoscales(app)}
        recorded = {**history.current(app).scaling, **scaling}
    entry = history.Entry(revision.image, by, rollback_of=revision.number)
    annotation = history.after(app, spec, entry, recorded)
    return Change(spec, autoscaling, Bounds(**scaling), "enableAutoscaling" in spec, annotation)


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
