"""The JSON merge patch by which an update or a rollback changes a SpinApp.

Why all writes are merge patches and not server-side apply: apply removes a field that the writer owned and now leaves
out. Each deploy would have to repeat everything that it ever set, and to force itself over fields that somebody has
since set with kubectl. The contract is the opposite: a field that a request leaves out keeps its value, whoever set it.
A merge patch does exactly that. It replaces whole lists (variables), so every patch carries the ``resourceVersion``
that was read. If the app has changed in between, the server answers 409, and the patch is computed again.
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
    """A change of an app that has been read."""

    spec: Object
    """Merge patch of the SpinApp's spec."""
    autoscaling: bool
    """Whether the app has autoscaling on after the change."""
    bounds: Bounds
    says_autoscaling: bool
    """Whether the change sets autoscaling, rather than keeping it."""
    annotation: str
    """The app's history after the change."""
    host: str | None = None
    """Host name of the app after the change."""
    says_host: bool = False
    """Whether the change sets the host name, or takes it away, rather than keeping it."""

    @property
    def about_scaling(self) -> bool:
        """Return whether the change concerns the autoscaler."""
        return self.says_autoscaling or bool(self.bounds.named())

    def patch(self, app: Object, request_id: str) -> Object:
        """Return the merge patch of the SpinApp, guarded by the ``resourceVersion`` that was read."""
        annotations = {manifests.REQUEST_ID: request_id, history.ANNOTATION: self.annotation}
        checks = manifests.acceptable_checks(app["spec"])
        return {
            "metadata": {"resourceVersion": app["metadata"]["resourceVersion"], "annotations": annotations},
            "spec": {**self.spec, **({"checks": checks} if checks else {})},
        }


def autoscales(app: Object) -> bool:
    """Return whether a SpinApp has autoscaling on."""
    return bool(app["spec"].get("enableAutoscaling", False))


def ready_replicas(app: Object) -> int:
    """Return the number of ready replicas, from the status of a SpinApp or a Deployment."""
    return int((app.get("status") or {}).get("readyReplicas") or 0)


def update(app: Object, request: DeployRequest, image: Image, settings: DeploySettings, by: str) -> Change:
    """Compute the change of ``app`` that ``request`` asks for.

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
    host = request.expose.host if request.expose is not None else history.current(app).host
    annotation = history.after(app, spec, history.Entry(image.asked, by, host=host), recorded)
    return Change(spec, autoscaling, bounds, says_autoscaling, annotation, host, request.expose is not None)


def rollback(app: Object, revision: history.Revision, settings: DeploySettings, by: str) -> Change:
    """Compute the change of ``app`` that restores ``revision``: undo later deploys, keep everything else.

    Raises
    ------
    ValueError
        The revision contradicts a value that others have set; the message says which.
    """
    spec = history.restoring(app, revision)
    # Part of the patch even if it does not differ, as in any deploy.
    spec["image"] = revision.spec["image"]
    then = history.merged(app["spec"], spec)
    autoscaling = bool(then.get("enableAutoscaling", False))
    # The webhook refuses `replicas` beside autoscaling and demands it without: others may have switched it since.
    if autoscaling and "replicas" in then:
        spec["replicas"] = None
    elif not autoscaling and not then.get("replicas"):
        spec["replicas"] = ready_replicas(app) or settings.kubernetes_default_replicas
    manifests.check_requests(then.get("resources") or {})
    scaling: dict[str, int] = {}
    recorded: dict[str, int] = {}
    if autoscaling:
        changed = history.changed_since(app, revision)
        scaling = {name: value for name, value in revision.scaling.items() if name in changed or not autoscales(app)}
        recorded = {**history.current(app).scaling, **scaling}
    # A host that the installation does not give (any more) must not keep anybody from going back.
    expose = settings.kubernetes_expose
    offered = revision.host is None or (expose is not None and expose.covers(revision.host))
    says_host = history.HOST in history.changed_since(app, revision) and offered
    host = revision.host if says_host else history.current(app).host
    entry = history.Entry(revision.image, by, rollback_of=revision.number, host=host)
    annotation = history.after(app, spec, entry, recorded)
    return Change(spec, autoscaling, Bounds(**scaling), "enableAutoscaling" in spec, annotation, host, says_host)


def _scaling(app: Object, request: DeployRequest, settings: DeploySettings, autoscaling: bool) -> Object:
    if autoscaling:
        # null takes `replicas` away: the webhook refuses it beside autoscaling.
        return {} if autoscales(app) else {"enableAutoscaling": True, "replicas": None}
    if request.replicas is not None:
        return {"enableAutoscaling": False, "replicas": request.replicas}
    if autoscales(app):
        # Keep as many replicas as the autoscaler had set: the switch loses no capacity.
        return {"enableAutoscaling": False, "replicas": ready_replicas(app) or settings.kubernetes_default_replicas}
    return {}
