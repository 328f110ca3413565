"""One deploy, from a checked request to the app as it stands afterwards: create the SpinApp, update it, or go back.

Nothing is half applied: what can be refused is asked for in advance (the namespace, the executor, the ServiceAccount,
the autoscaler by a dry run), then the SpinApp is written in one call, guarded against changes by others. How the
autoscaler keeps in step with it is told in `functions.cluster.autoscaler`.
"""

import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from functions.cluster import changes, history, manifests, names, surroundings
from functions.cluster.api import ClusterApi, Object, find
from functions.cluster.autoscaler import Autoscaler
from functions.cluster.bounds import Bounds
from functions.cluster.changes import Change
from functions.cluster.deadline import Deadline
from functions.cluster.errors import (
    OUTCOME_UNKNOWN,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    IncompleteError,
    RefusedError,
)
from functions.cluster.images import Image, check_image
from functions.cluster.resources import SPIN_APPS
from functions.cluster.settings import DeploySettings
from functions.contracts.deploy import DeployRequest, check_scaling

_ATTEMPTS: Final = 4
"""Tries at an update that others keep changing under our hands: the first, and three after reading again."""
_PAUSE: Final = 0.05
"""Seconds before the second try; longer before each further one."""
_NAME_ATTEMPTS: Final = 5
"""Generated names to try; even one is rarely taken."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The SpinApp after a deploy, and the image that it was to run."""

    app: Object
    image: Image


@dataclass(frozen=True, slots=True)
class Deployer:
    """Carries out one request against one cluster."""

    api: ClusterApi
    settings: DeploySettings
    deadline: Deadline
    request_id: str
    """Unique to this request: marks what it wrote (see `manifests.REQUEST_ID`)."""
    by: str
    """Who asks, for the history."""

    def deploy(self, request: DeployRequest) -> Deployed:
        """Create or update, and return the SpinApp as the server has it.

        Raises
        ------
        RefusedError
            The request does not fit: its status and sentence are for the caller.
        ClusterError
            The cluster refused or failed; the message says at which step.
        """
        image = check_image(request.image_ref, self.settings, self.deadline)
        try:
            if request.app_name is None:
                app = self._create_under_new_name(request, image)
            else:
                app = self._update_or_create(request, image, request.app_name)
        except ValueError as error:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        return Deployed(app, image)

    def roll_back(self, namespace: str, name: str, number: int | None) -> Deployed:
        """Go back to revision ``number``, or to the one before the current; a new revision with the old content.

        Raises
        ------
        RefusedError
            There is no such app or revision, or its image is gone.
        ClusterError
            The cluster refused or failed; the message says at which step.
        """
        try:
            return self._roll_back(namespace, name, number)
        except ValueError as error:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error

    def _roll_back(self, namespace: str, name: str, number: int | None) -> Deployed:
        revision: history.Revision | None = None
        image: Image | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            app = surroundings.existing_app(self.api, namespace, name, self.deadline)
            # Chosen once: after a lost answer, or another's deploy, "the one before" would be another one.
            revision = revision or _revision_to_go_back_to(app, number)
            image = image or self._image_of(revision)
            try:
                return Deployed(self._update(app, changes.rollback(app, revision, self.by)), image)
            except (ConflictError, *OUTCOME_UNKNOWN):
                if attempt == _ATTEMPTS:
                    raise
                _pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    def _image_of(self, revision: history.Revision) -> Image:
        image = check_image(str(revision.spec["image"]), self.settings, self.deadline)
        return Image(revision.image, image.run, image.unchecked)

    def _create_under_new_name(self, request: DeployRequest, image: Image) -> Object:
        for attempt in range(1, _NAME_ATTEMPTS + 1):
            try:
                return self._create(request, image, names.generate())
            except AlreadyExistsError:
                # Never an update: the app of that name is somebody else's.
                if attempt == _NAME_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _update_or_create(self, request: DeployRequest, image: Image, name: str) -> Object:
        for attempt in range(1, _ATTEMPTS + 1):
            app = find(self.api, SPIN_APPS, request.namespace, name, self.deadline)
            try:
                if app is None:
                    surroundings.check_name_is_free(self.api, request.namespace, name, self.deadline)
                    return self._create(request, image, name)
                return self._update(app, changes.update(app, request, image, self.settings, self.by))
            except (AlreadyExistsError, ConflictError, *OUTCOME_UNKNOWN):
                # Another deploy came between, or the answer was lost. Reading again tells which, and working the change
                # out again from what is there now keeps what the other one did.
                if attempt == _ATTEMPTS:
                    raise
                _pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    def _create(self, request: DeployRequest, image: Image, name: str) -> Object:
        check_scaling(request, autoscaling=request.enable_autoscaling)
        app = manifests.spin_app(request, image, name, self.settings, self.request_id, self.by)
        surroundings.check_executor(self.api, request.namespace, app["spec"]["executor"], self.deadline)
        self._check_service_account(request.namespace, request.service_account)
        autoscaler = self._autoscaler(request.namespace, name, Bounds.of(request))
        if request.enable_autoscaling:
            autoscaler.rehearse()
        created = self._create_once(app)
        if request.enable_autoscaling:
            self._complete(autoscaler, created)
        return created

    def _create_once(self, app: Object) -> Object:
        """Create the SpinApp; after a lost answer, see whether it was created before saying that it was not."""
        namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
        try:
            return self.api.create(SPIN_APPS, namespace, app, self.deadline)
        except OUTCOME_UNKNOWN:
            there = find(self.api, SPIN_APPS, namespace, name, self.deadline)
            if there is None or not self._is_ours(there):
                raise
            return there

    def _update(self, app: Object, change: Change) -> Object:
        namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
        if app["metadata"].get("deletionTimestamp"):
            raise RefusedError(
                HTTPStatus.CONFLICT,
                f"SpinApp '{name}' in namespace '{namespace}' is being deleted: deploy again once it is gone",
            )
        autoscaler = self._autoscaler(namespace, name, change.bounds)
        # Ours already: the answer to our write was lost, and only the autoscaler may be missing.
        updated = app if self._is_ours(app) else self._update_once(app, change, autoscaler)
        if _needs_autoscaler(updated, change):
            self._complete(autoscaler, updated)
        elif change.says_autoscaling:
            # Turned off; but a deploy at the same time may have made it anew between our two writes.
            autoscaler.remove()
        return updated

    def _update_once(self, app: Object, change: Change, autoscaler: Autoscaler) -> Object:
        namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
        patch = change.patch(app, self.request_id)
        if executor := change.spec.get("executor"):
            surroundings.check_executor(self.api, namespace, executor, self.deadline)
        self._check_service_account(namespace, change.spec.get("serviceAccountName"))
        if _needs_autoscaler(app, change):
            autoscaler.rehearse()
        elif changes.autoscales(app) and not change.autoscaling:
            self.api.merge_patch(SPIN_APPS, namespace, name, patch, self.deadline, dry_run=True)
            autoscaler.remove()
        return self.api.merge_patch(SPIN_APPS, namespace, name, patch, self.deadline)

    def _complete(self, autoscaler: Autoscaler, app: Object) -> None:
        """The second half of a deploy with autoscaling, after the SpinApp has been written."""
        namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
        try:
            if autoscaler.ensure(app):
                # Is it still wanted? A deploy at the same time may have turned autoscaling off after we wrote the
                # SpinApp. It looks for an autoscaler after its own write of the SpinApp, we look at the SpinApp after
                # making one: whichever is later sees the other.
                now = find(self.api, SPIN_APPS, namespace, name, self.deadline)
                if now is None or not changes.autoscales(now):
                    autoscaler.remove()
        except ClusterError as error:
            raise IncompleteError(
                f"SpinApp '{name}' is deployed, but its autoscaler may be missing; to complete it, deploy again with "
                f"app_name '{name}' and enable_autoscaling true",
                error,
            ) from error

    def _check_service_account(self, namespace: str, name: str | None) -> None:
        if name:
            surroundings.check_service_account(self.api, namespace, name, self.deadline)

    def _autoscaler(self, namespace: str, name: str, bounds: Bounds) -> Autoscaler:
        return Autoscaler(self.api, self.settings, namespace, name, bounds, self.deadline)

    def _is_ours(self, app: Object) -> bool:
        annotations = app["metadata"].get("annotations") or {}
        return bool(annotations.get(manifests.REQUEST_ID) == self.request_id)


def _pause(attempt: int) -> None:
    """Keep two deploys that met out of step. Chance comes from the system: ``random`` repeats in restored snapshots."""
    time.sleep((0.5 + secrets.randbelow(1000) / 2000) * _PAUSE * attempt)


def _needs_autoscaler(app: Object, change: Change) -> bool:
    """Whether an update has to look at the autoscaler at all.

    Apps that this service made always have one while autoscaling is on: an earlier deploy may have been cut off before
    it was made. For an app made by hand it is looked at only when the change is about scaling: its owner may scale it
    by other means.
    """
    return change.autoscaling and (manifests.is_managed(app) or change.about_scaling)


def _revision_to_go_back_to(app: Object, number: int | None) -> history.Revision:
    known = history.revisions(app)
    name, current = app["metadata"]["name"], known[-1].number
    if number is None:
        if len(known) < 2:
            raise RefusedError(
                HTTPStatus.CONFLICT, f"App '{name}' has no revision before {current}: there is nothing to go back to"
            )
        return known[-2]
    for revision in known:
        if revision.number == number:
            return revision
    kept = ", ".join(str(revision.number) for revision in known)
    raise RefusedError(HTTPStatus.NOT_FOUND, f"App '{name}' has no revision {number}; it has {kept}")
