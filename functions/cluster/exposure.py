"""The way to an app from outside: an Ingress or an HTTPRoute of the app's name, in step with the app.

The host name is part of the app's history, which is written with the SpinApp; the object follows. As with the
autoscaler, the server is asked by a dry run before the SpinApp is written, and the same request again completes what
was cut off. Kubernetes deletes the object with its SpinApp.

A host name belongs to the app that had it first, whatever its namespace. Nobody but the routes themselves knows who has
it: they are listed before a host is given, and once more afterwards, since another request may have done the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from functions.cluster import history, manifests
from functions.cluster.client import Cluster
from functions.cluster.errors import (
    OUTCOME_UNKNOWN,
    AlreadyExistsError,
    AppStateError,
    ClusterError,
    ConflictError,
    IncompleteError,
    NotFoundError,
    UnfitRequestError,
)
from functions.cluster.names import Object, ObjectName
from functions.cluster.resources import ROUTES, SPIN_APPS, Resource
from functions.cluster.retries import until_done
from functions.models.exposure import ExposeSettings

_PORT: Final = 80
"""Of the Service that the operator makes for each app."""


def url_of(app: Object, settings: ExposeSettings | None) -> str | None:
    """Return the address of an app from outside; None if it has none."""
    host = history.current(app).host
    return settings.url(host) if host is not None and settings is not None else None


def check_host(host: str, settings: ExposeSettings | None) -> ExposeSettings:
    """Return the settings, if the installation has them and the host is below one of its domains.

    Raises
    ------
    UnfitRequestError
        The host cannot be given to any app.
    """
    if settings is None:
        raise UnfitRequestError(
            "expose: this installation makes no way in from outside. Its operator can switch it on: the setting "
            "kubernetes.expose in cdk.json names the kind of route and the domain."
        )
    if not settings.covers(host):
        raise UnfitRequestError(f"expose.host '{host}' is not below {' or '.join(settings.domains)}")
    return settings


def rehearse(
    cluster: Cluster, settings: ExposeSettings | None, name: ObjectName, app: Object | None, host: str
) -> None:
    """Check, before an app is written, that the host can be given to it. ``app`` is None for a new app.

    Raises
    ------
    RefusedError, ClusterError
        It cannot: see `check_host` and `Exposure.rehearse`.
    """
    Exposure(cluster, check_host(host, settings), name).rehearse(app, host)


def follow(cluster: Cluster, settings: ExposeSettings | None, app: Object, host: str | None) -> None:
    """Lead the host to an app that has been written, or take away what leads to it.

    Raises
    ------
    AppStateError
        Another request gave the host to another app at the same time.
    IncompleteError
        The app is deployed, and the host may not lead to it; or one that should not may.
    """
    if settings is None:
        return
    name = ObjectName.of(app)
    exposure = Exposure(cluster, settings, name)
    try:
        if host is None:
            exposure.remove()
        else:
            exposure.ensure(app, host)
    except AppStateError as error:
        raise AppStateError(f"SpinApp '{name.name}' is deployed, but not reachable from outside: {error}") from error
    except ClusterError as error:
        wanted = "no host leads to it any more" if host is None else f"host '{host}' leads to it"
        raise IncompleteError(
            f"SpinApp '{name.name}' is deployed, but it is not certain that {wanted}; to complete it, deploy again "
            f"with app_name '{name.name}' and the same expose",
            error,
        ) from error


@dataclass(frozen=True, slots=True)
class Exposure:
    """The route of one app, for the length of one deploy."""

    cluster: Cluster
    settings: ExposeSettings
    name: ObjectName

    def rehearse(self, app: Object | None, host: str) -> None:
        """Check that the host is free and that the server will accept `ensure`. ``app`` is None for a new app.

        Raises
        ------
        AppStateError
            Another app has the host, or something that is not an app's has the name.
        ClusterError
            The server would refuse it.
        """
        current = self._current()
        self._check_free(host)
        self._write(current, app, host, dry_run=True)

    def ensure(self, app: Object, host: str) -> None:
        """Lead the host to the app.

        Raises
        ------
        AppStateError
            Another request gave the host to another app at the same time.
        ClusterError
            It may not lead there.
        """
        again = (AlreadyExistsError, ConflictError, NotFoundError, *OUTCOME_UNKNOWN)
        until_done(lambda: self._write(self._current(), app, host, dry_run=False), self.cluster.deadline, *again)
        try:
            self._check_free(host, among_equals=True)
        except AppStateError:
            self.remove()
            raise

    def remove(self) -> None:
        """Delete the app's route, if there is one."""

        def delete() -> None:
            current = self.cluster.find(self._resource, self.name)
            if current is not None and _is_of_an_app(current):
                try:
                    self.cluster.delete(self._resource, self.name, current["metadata"]["uid"])
                except NotFoundError:
                    return

        until_done(delete, self.cluster.deadline, ConflictError, *OUTCOME_UNKNOWN)

    @property
    def _resource(self) -> Resource:
        return ROUTES[self.settings.kind]

    def _current(self) -> Object | None:
        current = self.cluster.find(self._resource, self.name)
        if current is not None and not _is_of_an_app(current):
            raise AppStateError(
                f"{self._resource.kind} {self.name} does not belong to an app: choose another app_name, or delete it"
            )
        return current

    def _check_free(self, host: str, *, among_equals: bool = False) -> None:
        """Raise `AppStateError` if another route has the host.

        ``among_equals``: our route is there already, and one that came later gives way.
        """
        routes = [route for route in self.cluster.list(self._resource, "") if host in hosts_of(route)]
        own = [route for route in routes if ObjectName.of(route) == self.name]
        for route in routes:
            if ObjectName.of(route) == self.name:
                continue
            if among_equals and own and _precedence(own[0]) < _precedence(route):
                continue
            raise AppStateError(f"expose.host '{host}' is in use by another app: choose another host")

    def _write(self, current: Object | None, owner: Object | None, host: str, *, dry_run: bool) -> None:
        wanted = self._wanted(owner, host)
        if current is None:
            self.cluster.create(self._resource, wanted, dry_run=dry_run)
            return
        version = {"resourceVersion": current["metadata"]["resourceVersion"]}
        about = {
            name: wanted["metadata"][name] for name in ("annotations", "ownerReferences") if name in wanted["metadata"]
        }
        patch = {"metadata": {**about, **version}, "spec": wanted["spec"]}
        self.cluster.merge_patch(self._resource, self.name, patch, dry_run=dry_run)

    def _wanted(self, owner: Object | None, host: str) -> Object:
        metadata: Object = {
            "name": self.name.name,
            "namespace": self.name.namespace,
            "labels": {manifests.MANAGED_BY: manifests.MANAGER},
        }
        if self.settings.annotations:
            metadata["annotations"] = dict(self.settings.annotations)
        if owner is not None:
            metadata["ownerReferences"] = [manifests.owner_reference(owner)]
        spec = self._ingress(host) if self.settings.kind == "Ingress" else self._http_route(host)
        return {
            "apiVersion": self._resource.api_version,
            "kind": self._resource.kind,
            "metadata": metadata,
            "spec": spec,
        }

    def _ingress(self, host: str) -> Object:
        backend = {"service": {"name": self.name.name, "port": {"number": _PORT}}}
        spec: Object = {"rules": [{"host": host, "http": {"paths": [_everything(backend)]}}]}
        if self.settings.ingress_class is not None:
            spec["ingressClassName"] = self.settings.ingress_class
        if self.settings.tls_secret is not None:
            spec["tls"] = [{"hosts": [host], "secretName": self.settings.tls_secret}]
        return spec

    def _http_route(self, host: str) -> Object:
        gateway = self.settings.gateway
        assert gateway is not None  # noqa: S101  # the settings of this kind have one
        parent: Object = {"namespace": gateway.namespace, "name": gateway.name}
        if gateway.section is not None:
            parent["sectionName"] = gateway.section
        return {
            "parentRefs": [parent],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": self.name.name, "port": _PORT}]}],
        }


def hosts_of(route: Object) -> Iterator[str]:
    """Yield the host names of an Ingress or HTTPRoute."""
    spec = route.get("spec") or {}
    yield from spec.get("hostnames") or ()
    yield from (str(rule["host"]) for rule in spec.get("rules") or () if rule.get("host"))


def _everything(backend: Object) -> Object:
    return {"path": "/", "pathType": "Prefix", "backend": backend}


def _is_of_an_app(route: Object) -> bool:
    owners = route["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == SPIN_APPS.kind for owner in owners)


def _precedence(route: Object) -> tuple[str, str, str]:
    """Order by which of two routes with the same host keeps it: the older one (Gateway API, "Conflict resolution")."""
    metadata = route["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]
