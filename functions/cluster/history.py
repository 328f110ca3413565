"""The history of an app: each deploy is a numbered revision, kept in an annotation of the SpinApp.

It is kept in the same object so that one write changes the app and its history. Neither can exist without the other,
two concurrent deploys cannot take the same number, the service needs no rights beyond those on SpinApps, and the
history is deleted with the app. Kubernetes stores at most 256 KiB of annotations per object; the oldest revisions are
dropped first.

A revision records the fields that the deploy changed, and the part of the spec that this service sets, as it was after
the deploy. A rollback undoes exactly those changes, from the newest back to the revision. Values that others have set
are kept, also in the same maps and lists, and also over values that deploys had set before.
"""

import copy
import datetime
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from functions.cluster.names import Object
from functions.models.quantity import same_amount

ANNOTATION: Final = "blue-faas/revisions"
MOST_REVISIONS: Final = 20
HOST: Final = "expose.host"
"""Name of the host among the fields that a deploy has changed."""
_LARGEST: Final = 160 * 1024
"""Maximum size of the annotation in bytes: below Kubernetes' limit, with room for other annotations."""

_DEPLOYED_FIELDS: Final = (
    "image",
    "executor",
    "enableAutoscaling",
    "replicas",
    "resources",
    "variables",
    "podLabels",
    "serviceAccountName",
    "imagePullSecrets",
    "runtimeConfig",
)
"""Fields of a SpinApp's spec that a deploy may set."""
_NAMED_ITEMS: Final = ("variables", "imagePullSecrets")
"""Lists whose items have names. This service treats them as maps by name, as Kubernetes does."""
_DEPTHS: Final = {"resources": 3, "podLabels": 2, "runtimeConfig": 2, **dict.fromkeys(_NAMED_ITEMS, 2)}
"""Number of parts in the path of a changed field, if it has several. The last part may contain dots."""
_LONGEST_NAME: Final = 256


class Revision(BaseModel):
    """One deploy, as stored in the annotation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    image: str
    """Image reference of the request; ``spec.image`` is the one that runs."""
    by: str | None = None
    at: str | None = None
    changed: list[str] = []
    rollback_of: int | None = None
    spec: dict[str, Any] = {}
    """The part of the spec that deploys set, as it was after this deploy."""
    scaling: dict[str, int] = {}
    """``min_replicas``, ``max_replicas`` and ``target_cpu`` of the autoscaler, if deploys have set them."""
    host: str | None = None
    """Host name under which the app answers from outside (`functions.cluster.exposure`); None: it does not."""

    @property
    def digest(self) -> str | None:
        """Return the digest of the image that runs; None if the image is not pinned to one."""
        return digest_of(str(self.spec.get("image", "")))


@dataclass(frozen=True, slots=True)
class Entry:
    """What the history records of a deploy in addition to the change itself."""

    image: str
    by: str
    rollback_of: int | None = None
    host: str | None = None
    """Host name of the app after the deploy."""


_REVISIONS: Final = TypeAdapter(list[Revision])


def revisions(app: Object) -> list[Revision]:
    """Return the app's history, oldest revision first. It is never empty.

    For an app that this service did not create, or whose annotation cannot be read, the current spec is revision 1.
    """
    text = (app["metadata"].get("annotations") or {}).get(ANNOTATION)
    if text:
        try:
            known = _REVISIONS.validate_json(text)
        except ValidationError:
            known = []
        if known:
            return sorted(known, key=lambda revision: revision.number)
    spec = _our_part(app["spec"])
    at = app["metadata"].get("creationTimestamp")
    return [Revision(number=1, image=str(spec.get("image", "")), at=at, spec=spec)]


def current(app: Object) -> Revision:
    """Return the newest revision."""
    return revisions(app)[-1]


def first(spec: Object, entry: Entry, scaling: dict[str, int]) -> str:
    """Return the annotation of a new app."""
    changed = sorted(_paths({}, _our_part(spec)))
    return _write([_revision(1, spec, entry, [*changed, *([HOST] if entry.host else [])], scaling)])


def after(app: Object, patch_of_spec: Object, entry: Entry, scaling: dict[str, int]) -> str:
    """Return the annotation of ``app`` after the merge patch ``patch_of_spec``."""
    known = revisions(app)
    spec = merged(app["spec"], patch_of_spec)
    before = _our_part(app["spec"])
    changed = sorted(_paths(before, _our_part(spec)))
    scaling_before = known[-1].scaling
    changed += [name for name, value in sorted(scaling.items()) if scaling_before.get(name) != value]
    changed += [HOST] if entry.host != known[-1].host else []
    return _write([*known, _revision(known[-1].number + 1, spec, entry, changed, scaling)])


def restoring(app: Object, revision: Revision) -> Object:
    """Return the merge patch of ``app``'s spec that undoes the deploys after ``revision``."""
    now, then = _by_names(_our_part(app["spec"])), _by_names(_our_part(app["spec"]))
    target = _by_names(revision.spec)
    for path in sorted({path for path in changed_since(app, revision) if path.partition(".")[0] in _DEPLOYED_FIELDS}):
        _restore(then, target, path.split(".", _DEPTHS.get(path.partition(".")[0], 1) - 1))
    return difference(_as_lists(now), _as_lists(then))


def changed_since(app: Object, revision: Revision) -> set[str]:
    """Return the paths of the fields that deploys after ``revision`` have changed (`Revision.changed`)."""
    return {path for later in revisions(app) if later.number > revision.number for path in later.changed}


def set_by_deploys(app: Object, field: str) -> set[str]:
    """Return the names of the items of a list or map that deploys have set, as far as the history goes back."""
    paths = {path for revision in revisions(app) for path in revision.changed}
    return {path.partition(".")[2] for path in paths if path.startswith(f"{field}.")}


def _restore(then: Object, target: Object, path: list[str]) -> None:
    """Copy one field from ``target`` to ``then``. If ``target`` lacks it, remove it, and a map left empty by that."""
    name, *rest = path
    if not rest:
        if name in target:
            then[name] = copy.deepcopy(target[name])
        else:
            then.pop(name, None)
        return
    _restore(then.setdefault(name, {}), target.get(name) or {}, rest)
    if not then[name] and name not in target:
        del then[name]


def difference(now: Object, then: Object) -> Object:
    """Return the JSON merge patch (RFC 7386) that turns ``now`` into ``then``. Lists are replaced as a whole."""
    patch: Object = {name: None for name in now if name not in then}
    for name, value in then.items():
        if name in now and now[name] == value:
            continue
        both_objects = isinstance(value, dict) and isinstance(now.get(name), dict)
        patch[name] = difference(now[name], value) if both_objects else copy.deepcopy(value)
    return patch


def merged(target: Object, patch: Object) -> Object:
    """Return ``target`` with a JSON merge patch applied (RFC 7386, section 2)."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            now = result.get(name)
            result[name] = merged(now if isinstance(now, dict) else {}, value)
        else:
            result[name] = value
    return result


def digest_of(image: str) -> str | None:
    """Return the digest in an image reference, if it names one."""
    return image.partition("@")[2] or None


def _revision(number: int, spec: Object, entry: Entry, changed: list[str], scaling: dict[str, int]) -> Revision:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    by = "".join(character for character in entry.by if character.isprintable())[:_LONGEST_NAME]
    return Revision(
        number=number,
        image=entry.image,
        by=by,
        at=now,
        changed=changed,
        rollback_of=entry.rollback_of,
        spec=_our_part(spec),
        scaling=scaling,
        host=entry.host,
    )


def _write(known: list[Revision]) -> str:
    kept = known[-MOST_REVISIONS:]
    while True:
        text = _REVISIONS.dump_json(kept, exclude_defaults=True).decode()
        if len(text.encode()) <= _LARGEST or len(kept) == 1:
            return text
        kept = kept[1:]


def _our_part(spec: Object) -> Object:
    return {name: copy.deepcopy(spec[name]) for name in _DEPLOYED_FIELDS if name in spec}


def _paths(before: Object, after: Object, prefix: str = "") -> list[str]:
    """Return the dotted paths of the fields that differ. Never a value: values may be private."""
    return [
        path
        for name in {*before, *after}
        for path in _paths_of_field(f"{prefix}{name}", before.get(name), after.get(name))
    ]


def _paths_of_field(path: str, old: Any, new: Any) -> list[str]:
    if old == new or (path.startswith("resources.") and same_amount(old, new)):
        return []
    if path in _NAMED_ITEMS:
        old, new = _by_name(old), _by_name(new)
    if not isinstance(old, dict) and not isinstance(new, dict):
        return [path]
    return _paths(old if isinstance(old, dict) else {}, new if isinstance(new, dict) else {}, f"{path}.")


def _by_name(items: Any) -> Object:
    # An item counts as one field, not as a tree of fields.
    return {item["name"]: repr(item) for item in items or []}


def _by_names(spec: Object) -> Object:
    """Return ``spec`` with the lists of named items as maps."""
    result = dict(spec)
    for field in _NAMED_ITEMS:
        if field in spec:
            result[field] = {item["name"]: item for item in spec[field] or []}
    return result


def _as_lists(spec: Object) -> Object:
    """Undo `_by_names`. An empty map becomes no field, as before the deploy that added the first item."""
    result = dict(spec)
    for field in _NAMED_ITEMS:
        if items := list(result.pop(field, {}).values()):
            result[field] = items
    return result
