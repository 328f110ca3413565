"""One deploy, from a checked request to the deployed app: create the SpinApp, update it, or roll it back.

No deploy is half applied. Errors that Kubernetes would report later, or never, are checked in advance: the
ServiceAccount, the namespace's limits, and the autoscaler by a dry run. Then the SpinApp is written in one call that
fails if others have changed it; SpinKube's webhook checks the executor in that call. `functions.cluster.autoscaler`
explains how the autoscaler is kept in step.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from functions.cluster import changes, exposure, generated_names, history, manifests, ownership, preconditions
from functions.cluster.autoscaler import Autoscaler, Rehearsed
from functions.cluster.bounds import Bounds
from functions.cluster.capacity import keep_replicas
from functions.cluster.changes import Change
from functions.cluster.client import Cluster
from functions.cluster.errors import (
    OUTCOME_UNKNOWN,
    AlreadyExistsError,
    AppStateError,
    ClusterError,
    ConflictError,
    IncompleteError,
    InvalidError,
    MissingError,
    UnfitRequestError,
)
from functions.cluster.images import Image, check_image
from functions.cluster.names import Object, ObjectName
from functions.cluster.resources import SPIN_APPS
from functions.cluster.retries import until_done
from functions.cluster.settings import DeploySettings
from functions.models.deploy import DeployRequest, check_scaling
from functions.tenancy.workspace import AppScope, Workspace

_NAME_ATTEMPTS: Final = 5
"""Generated names to try. Even the first one is rarely taken."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The SpinApp after a deploy, and the image of the request."""

    app: Object
    image: Image


@dataclass(frozen=True, slots=True)
class Deployer:
    """Carries out one request to create, update or roll back an app."""

    cluster: Cluster
    settings: DeploySettings
    request_id: str
    """Unique to this request; marks the objects that it has written (see `manifests.REQUEST_ID`)."""
    by: str
    """The caller, for the history."""
    scope: AppScope
    """The apps that may be changed, and whose a new one is."""

    def deploy(self, request: DeployRequest) -> Deployed:
        """Create or update an app, and return the SpinApp as the server has it.

        Raises
        ------
        RefusedError
            The request cannot be carried out; the message is for the caller.
        ClusterError
            The cluster refused or failed; the message names the step.
        """
        workspace = self.scope.only()
        image = check_image(request.image_ref, self.settings, self.cluster.deadline, workspace)
        try:
            if request.app_name is None:
                app = self._create_under_new_name(request, image)
            else:
                app = self._update_or_create(request, image, ObjectName(request.namespace, request.app_name))
        except ValueError as error:
            raise UnfitRequestError(str(error)) from error
        return Deployed(app, image)

    def rehearse(self, request: DeployRequest) -> None:
        """Check that `deploy` would succeed, but for the image, which need not exist yet; nothing is written.

        Raises
        ------
        RefusedError, ClusterError
            As `deploy` does.
        """
        name = ObjectName(request.namespace, request.app_name or generated_names.generate())
        image = Image(request.image_ref, request.image_ref)

        def rehearse() -> None:
            app = None if request.app_name is None else self.cluster.find(SPIN_APPS, name)
            if app is not None:
                self._update(app, self._changed(app, request, image), dry_run=True)
                return
            if request.app_name is not None:
                preconditions.check_name_is_free(self.cluster, name)
            self._create(request, image, name, dry_run=True)

        try:
            until_done(rehearse, self.cluster.deadline, AlreadyExistsError, ConflictError)
        except ValueError as error:
            raise UnfitRequestError(str(error)) from error

    def roll_back(self, name: ObjectName, number: int | None) -> Deployed:
        """Restore revision ``number``, or the one before the current, as a new revision.

        Raises
        ------
        RefusedError
            The app, the revision or its image does not exist.
        ClusterError
            The cluster refused or failed; the message names the step.
        """
        try:
            return self._roll_back(name, number)
        except ValueError as error:
            raise UnfitRequestError(str(error)) from error

    def _roll_back(self, name: ObjectName, number: int | None) -> Deployed:
        chosen: list[tuple[history.Revision, Image]] = []

        def update() -> Deployed:
            app = preconditions.existing_app(self.cluster, name, self.scope)
            if not chosen:
                # Only once: after a lost answer, or another deploy, "the one before" would be another revision.
                revision = _revision_to_go_back_to(app, number)
                chosen.append((revision, self._image_of(revision, self.scope.of(ownership.workspace_of(app)))))
            revision, image = chosen[0]
            return Deployed(self._update(app, changes.rollback(app, revision, self.settings, self.by)), image)

        return until_done(update, self.cluster.deadline, ConflictError, *OUTCOME_UNKNOWN)

    def _image_of(self, revision: history.Revision, workspace: Workspace | None) -> Image:
        # The image was the app's own when it was deployed. Tags did not always name the workspace.
        reference = str(revision.spec["image"])
        image = check_image(reference, self.settings, self.cluster.deadline, workspace, proven=True)
        return Image(revision.image, image.run, image.unchecked)

    def _create_under_new_name(self, request: DeployRequest, image: Image) -> Object:
        # Never an update: an app that has the name already is somebody else's.
        def create() -> Object:
            return self._create(request, image, ObjectName(request.namespace, generated_names.generate()))

        return until_done(create, self.cluster.deadline, AlreadyExistsError, most=_NAME_ATTEMPTS)

    def _update_or_create(self, request: DeployRequest, image: Image, name: ObjectName) -> Object:
        def write() -> Object:
            app = self.cluster.find(SPIN_APPS, name)
            if app is None:
                preconditions.check_name_is_free(self.cluster, name)
                return self._create(request, image, name)
            return self._update(app, self._changed(app, request, image))

        # Another deploy came in between, or the answer was lost. Reading again tells which of the two. The change is
        # computed again from what was read, so that the other deploy's changes are kept.
        return until_done(write, self.cluster.deadline, AlreadyExistsError, ConflictError, *OUTCOME_UNKNOWN)

    def _changed(self, app: Object, request: DeployRequest, image: Image) -> Change:
        ownership.check_owner(app, self.scope)
        return changes.update(app, request, image, self.settings, self.by)

    def _create(self, request: DeployRequest, image: Image, name: ObjectName, *, dry_run: bool = False) -> Object:
        check_scaling(request, autoscaling=request.enable_autoscaling)
        workspace = self.scope.only()
        owner = workspace.workspace_id if workspace is not None else None
        app = manifests.spin_app(request, image, name.name, self.settings, self.request_id, self.by, owner)
        # Only what the request names: the operator answers for the defaults, and checking them would cost a call.
        named = manifests.resources(request, {}, self.settings, defaults=False)
        self._check_preconditions(name.namespace, {**app["spec"], "resources": named}, app["spec"])
        autoscaler = self._autoscaler(name, Bounds.of(request))
        rehearsed = autoscaler.rehearse(None) if request.enable_autoscaling else None
        host = request.expose.host if request.expose is not None else None
        if host is not None:
            exposure.rehearse(self.cluster, self.settings.kubernetes_expose, name, None, host)
        created = self._create_once(app, dry_run=dry_run)
        if dry_run:
            return created
        if rehearsed is not None:
            self._complete(autoscaler, created, rehearsed.current)
        if host is not None:
            exposure.follow(self.cluster, self.settings.kubernetes_expose, created, host)
        return created

    def _create_once(self, app: Object, *, dry_run: bool) -> Object:
        """Create the SpinApp. If the answer is lost, look whether the SpinApp was created."""
        name = ObjectName.of(app)
        try:
            with _explaining(name.namespace, app["spec"]["executor"]):
                return self.cluster.create(SPIN_APPS, app, dry_run=dry_run)
        except OUTCOME_UNKNOWN:
            there = self.cluster.find(SPIN_APPS, name)
            if there is None or not self._is_ours(there):
                raise
            return there

    def _update(self, app: Object, change: Change, *, dry_run: bool = False) -> Object:
        name = ObjectName.of(app)
        if app["metadata"].get("deletionTimestamp"):
            raise AppStateError(f"SpinApp {name} is being deleted: deploy again once it is gone")
        autoscaler = self._autoscaler(name, change.bounds)
        if dry_run:
            return self._update_once(app, change, autoscaler, dry_run=True)[0]
        if self._is_ours(app):
            # The answer to this request's write was lost: only the autoscaler may be missing.
            updated, rehearsed = app, None
        else:
            updated, rehearsed = self._update_once(app, change, autoscaler)
        if _needs_autoscaler(updated, change):
            if rehearsed is None:
                rehearsed = autoscaler.rehearse(updated)
            if rehearsed.to_do:
                self._complete(autoscaler, updated, rehearsed.current)
        elif change.says_autoscaling:
            # Autoscaling is off; but a concurrent deploy may have created an autoscaler between our two writes.
            autoscaler.remove()
        if change.says_host:
            exposure.follow(self.cluster, self.settings.kubernetes_expose, updated, change.host)
        return updated

    def _update_once(
        self, app: Object, change: Change, autoscaler: Autoscaler, *, dry_run: bool = False
    ) -> tuple[Object, Rehearsed | None]:
        name, executor = ObjectName.of(app), change.spec.get("executor") or app["spec"].get("executor")
        write = partial(self.cluster.merge_patch, SPIN_APPS, name, change.patch(app, self.request_id))
        self._check_preconditions(name.namespace, change.spec, history.merged(app["spec"], change.spec))
        rehearsed = autoscaler.rehearse(app) if _needs_autoscaler(app, change) else None
        if change.says_host and change.host is not None:
            exposure.rehearse(self.cluster, self.settings.kubernetes_expose, name, app, change.host)
        with _explaining(name.namespace, str(executor)):
            if dry_run:
                return write(dry_run=True), rehearsed
            if change.autoscaling and not changes.autoscales(app):
                keep_replicas(self.cluster, name)
            elif changes.autoscales(app) and not change.autoscaling:
                write(dry_run=True)
                autoscaler.remove()
            return write(), rehearsed

    def _complete(self, autoscaler: Autoscaler, app: Object, current: Object | None) -> None:
        """Write the autoscaler, after the SpinApp has been written."""
        name = ObjectName.of(app)
        try:
            if autoscaler.ensure(app, current):
                # Is it still wanted? A concurrent deploy may have switched autoscaling off after we wrote the SpinApp.
                # That deploy looks for an autoscaler after its write of the SpinApp; we read the SpinApp after
                # creating the autoscaler. Whichever comes later sees the other.
                now = self.cluster.find(SPIN_APPS, name)
                if now is None or not changes.autoscales(now):
                    autoscaler.remove()
        except ClusterError as error:
            raise IncompleteError(
                f"SpinApp '{name.name}' is deployed, but its autoscaler may be missing; to complete it, deploy again "
                f"with app_name '{name.name}' and enable_autoscaling true",
                error,
            ) from error

    def _check_preconditions(self, namespace: str, changed: Object, spec: Object) -> None:
        """Check the objects and limits that ``changed`` depends on; ``spec`` is the whole spec after the change."""
        if account := changed.get("serviceAccountName"):
            preconditions.check_service_account(self.cluster, ObjectName(namespace, account))
        resources = spec.get("resources") or {}
        limits = resources.get("limits") or {}
        if any(kind not in limits for kind in (changed.get("resources") or {}).get("requests") or {}):
            preconditions.check_limit_ranges(self.cluster, namespace, resources)

    def _autoscaler(self, name: ObjectName, bounds: Bounds) -> Autoscaler:
        return Autoscaler(self.cluster, self.settings, name, bounds)

    def _is_ours(self, app: Object) -> bool:
        annotations = app["metadata"].get("annotations") or {}
        return bool(annotations.get(manifests.REQUEST_ID) == self.request_id)


@contextmanager
def _explaining(namespace: str, executor: str) -> Iterator[None]:
    """Explain the error if SpinKube's webhook does not find the executor."""
    try:
        yield
    except InvalidError as error:
        if (missing := preconditions.missing_executor(error, namespace, executor)) is not None:
            raise missing from error
        raise


def _needs_autoscaler(app: Object, change: Change) -> bool:
    """Return whether an update has to check the autoscaler at all.

    An app that this service created must have one while autoscaling is on: an earlier deploy may have been cut off
    before it created the autoscaler. For an app created by hand the autoscaler is checked only if the change concerns
    scaling: its owner may scale it by other means.
    """
    return change.autoscaling and (manifests.is_managed(app) or change.about_scaling)


def _revision_to_go_back_to(app: Object, number: int | None) -> history.Revision:
    known = history.revisions(app)
    name, current = app["metadata"]["name"], known[-1].number
    if number is None:
        if len(known) < 2:
            raise AppStateError(f"App '{name}' has no revision before {current}: there is nothing to go back to")
        return known[-2]
    for revision in known:
        if revision.number == number:
            return revision
    kept = ", ".join(str(revision.number) for revision in known)
    raise MissingError(f"App '{name}' has no revision {number}; it has {kept}")
