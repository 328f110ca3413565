"""One deploy, from a checked request to the app as it stands afterwards: create the SpinApp, or update it.

Nothing is half applied: what can be refused is asked for in advance (the namespace, the executor, the ServiceAccount,
the autoscaler by a dry run), then the SpinApp is written in one call, guarded against changes by others. How the
autoscaler keeps in step with it is told in `functions.cluster.autoscaler`.
"""

import random
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from functions.cluster import changes, manifests, names, surroundings
from functions.cluster.api import ClusterApi, Object, find
from functions.cluster.autoscaler import Autoscaler
from functions.cluster.deadline import Deadline
from functions.cluster.errors import (
    OUTCOME_UNKNOWN,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    IncompleteError,
    RefusedError,
)
from functions.cluster.resources import SPIN_APPS
from functions.cluster.settings import DeploySettings
from functions.contracts.deploy import DeployRequest, check_scaling, image_repository

_ATTEMPTS: Final = 4
"""Tries at an update that others keep changing under our hands: the first, and three after reading again."""
_PAUSE: Final = 0.05
"""Seconds before the second try; longer before each further one."""
_NAME_ATTEMPTS: Final = 5
"""Generated names to try; even one is rarely taken."""


@dataclass(frozen=True, slots=True)
class Deployer:
    """Carries out one request against one cluster."""

    api: ClusterApi
    settings: DeploySettings
    deadline: Deadline
    request_id: str
    """Unique to this request: marks what it wrote (see `manifests.REQUEST_ID`)."""

    def deploy(self, request: DeployRequest) -> Object:
        """Create or update, and return the SpinApp as the server has it.

        Raises
        ------
        RefusedError
            The request does not fit: its status and sentence are for the caller.
        ClusterError
            The cluster refused or failed; the message says at which step.
        """
        self._check_registry(request)
        try:
            return self._update_or_create(request) if request.app_name else self._create_under_new_name(request)
        except ValueError as error:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error

    def _check_registry(self, request: DeployRequest) -> None:
        repository = image_repository(request.image_ref)
        allowed = self.settings.registry_allow_list
        if allowed and not any(re.fullmatch(pattern, repository) for pattern in allowed):
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                f"Images from '{repository}' are not allowed here: push to a registry that the operator allows",
            )

    def _create_under_new_name(self, request: DeployRequest) -> Object:
        for attempt in range(1, _NAME_ATTEMPTS + 1):
            try:
                return self._create(request, names.generate())
            except AlreadyExistsError:
                # Never an update: the app of that name is somebody else's.
                if attempt == _NAME_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _update_or_create(self, request: DeployRequest) -> Object:
        name = str(request.app_name)
        for attempt in range(1, _ATTEMPTS + 1):
            app = find(self.api, SPIN_APPS, request.namespace, name, self.deadline)
            try:
                if app is None:
                    surroundings.check_name_is_free(self.api, request.namespace, name, self.deadline)
                    return self._create(request, name)
                return self._update(request, app)
            except (AlreadyExistsError, ConflictError, *OUTCOME_UNKNOWN):
                # Another deploy came between, or the answer was lost. Reading again tells which, and working the change
                # out again from what is there now keeps what the other one did.
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(random.uniform(0.5, 1) * _PAUSE * attempt)  # noqa: S311 - keeps two deploys out of step
        raise AssertionError("the last attempt returns or raises")

    def _create(self, request: DeployRequest, name: str) -> Object:
        check_scaling(request, autoscaling=request.enable_autoscaling)
        app = manifests.spin_app(request, name, self.settings, self.request_id)
        surroundings.check_executor(self.api, request.namespace, app["spec"]["executor"], self.deadline)
        self._check_service_account(request)
        autoscaler = self._autoscaler(request, name)
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

    def _update(self, request: DeployRequest, app: Object) -> Object:
        name = app["metadata"]["name"]
        if app["metadata"].get("deletionTimestamp"):
            raise RefusedError(
                HTTPStatus.CONFLICT,
                f"SpinApp '{name}' in namespace '{request.namespace}' is being deleted: deploy again once it is gone",
            )
        autoscaler = self._autoscaler(request, name)
        # Ours already: the answer to our write was lost, and only the autoscaler may be missing.
        updated = app if self._is_ours(app) else self._update_once(request, app, autoscaler)
        if _needs_autoscaler(updated, request):
            self._complete(autoscaler, updated)
        elif request.mentions("enable_autoscaling"):
            # Turned off; but a deploy at the same time may have made it anew between our two writes.
            autoscaler.remove()
        return updated

    def _update_once(self, request: DeployRequest, app: Object, autoscaler: Autoscaler) -> Object:
        namespace, name = request.namespace, app["metadata"]["name"]
        patch = changes.update(app, request, self.settings, self.request_id)
        if request.mentions("use_spot"):
            surroundings.check_executor(self.api, namespace, patch["spec"]["executor"], self.deadline)
        self._check_service_account(request)
        if _needs_autoscaler(app, request):
            autoscaler.rehearse()
        elif changes.autoscales(app) and not changes.autoscaling_after(app, request):
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

    def _check_service_account(self, request: DeployRequest) -> None:
        if request.service_account:
            surroundings.check_service_account(self.api, request.namespace, request.service_account, self.deadline)

    def _autoscaler(self, request: DeployRequest, name: str) -> Autoscaler:
        return Autoscaler(self.api, self.settings, request, name, self.deadline)

    def _is_ours(self, app: Object) -> bool:
        annotations = app["metadata"].get("annotations") or {}
        return bool(annotations.get(manifests.REQUEST_ID) == self.request_id)


def _needs_autoscaler(app: Object, request: DeployRequest) -> bool:
    """Whether an update has to look at the autoscaler at all.

    Apps that this service made always have one while autoscaling is on: an earlier deploy may have been cut off before
    it was made. For an app made by hand it is looked at only when the request is about scaling: its owner may scale it
    by other means.
    """
    if not changes.autoscaling_after(app, request):
        return False
    about_scaling = ("enable_autoscaling", "min_replicas", "max_replicas", "target_cpu")
    labels = app["metadata"].get("labels") or {}
    return labels.get(manifests.MANAGED_BY) == manifests.MANAGER or any(map(request.mentions, about_scaling))
