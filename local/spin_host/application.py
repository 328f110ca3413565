"""A whole Spin application, loaded: its components, its routes, its state. `server` puts it behind HTTP."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from builder.source.outbound_hosts import HostError
from builder.source.templates import TemplateError

from local.spin_host import start_rules
from local.spin_host.compile_cache import CacheError, CompileCache
from local.spin_host.engine import EpochClock, new_engine
from local.spin_host.guest import Guest, Limits
from local.spin_host.host.services import Services
from local.spin_host.key_value_store import KeyValueFile, KeyValueStore
from local.spin_host.locked_app import AppError, AppFolder, LockedComponent
from local.spin_host.messages import HttpRequest, HttpResponse
from local.spin_host.network import Network
from local.spin_host.outbound import Outbound
from local.spin_host.outbound_hosts import AllowedHosts
from local.spin_host.routes import Route, RouteMatch, Router
from local.spin_host.variables import (
    AppVariables,
    ComponentVariables,
    UndefinedVariableError,
)

WELL_KNOWN: Final = "/.well-known/spin/"
"""Paths that the host answers before any route (spin 3.6, crates/trigger-http)."""


@dataclass(frozen=True)
class Settings:
    """Where an application is, and what it may use."""

    app: Path
    state_dir: Path
    cache_dir: Path
    limits: Limits
    environment: Mapping[str, str]
    """Where ``SPIN_VARIABLE_<NAME>`` is looked up."""
    local_ports: frozenset[int] = frozenset()
    """Ports of this machine that components may reach which name them."""


class Application:
    """Answers requests; usable from many threads."""

    def __init__(self, settings: Settings) -> None:
        """Load every component.

        Raises
        ------
        AppError
            The application cannot be served; the message says why.
        """
        self.base_url = ""
        """Where the app listens; the server sets it, for requests of the app to itself."""
        self._settings = settings
        self._folder = AppFolder(settings.app)
        locked = self._folder.app
        start_rules.check(locked)
        defaults = {name: variable.default for name, variable in locked.variables.items()}
        self._variables = AppVariables(defaults, settings.environment)
        if missing := self._variables.missing():
            raise AppError(f"required variables without a value: {', '.join(missing)}; set them on the SpinApp")
        self._triggers = {trigger.id: trigger for trigger in locked.triggers if trigger.trigger_type == "http"}
        self._router = self._make_router()
        self._state = self._open_state()
        self._guests = self._load()

    def handle(self, request: HttpRequest, client: str) -> HttpResponse:
        """Answer one request; ``client`` is the caller's ``address:port``."""
        if request.path.startswith(WELL_KNOWN):
            return self._well_known(request.path.removeprefix(WELL_KNOWN))
        match = self._router.match(request.path)
        if match is None:
            return HttpResponse(404)
        config = self._triggers[match.route.trigger].trigger_config
        if (static := config.get("static_response")) is not None:
            return _static(static)
        guest = self._guests[config["component"]]
        return guest.handle(_with_spin_headers(request, match, request.authority or "localhost", client))

    def _well_known(self, name: str) -> HttpResponse:
        if name == "health":
            return HttpResponse(200, [], b"OK")
        if name != "info":
            return HttpResponse(404)
        metadata = self._folder.app.metadata
        info = {key: metadata[key] for key in ("name", "version", "oci_image_digest") if key in metadata}
        return HttpResponse(200, [("content-type", b"application/json")], json.dumps(info, indent=2).encode())

    def _make_router(self) -> Router:
        for trigger in self._folder.app.triggers:
            if trigger.trigger_type != "http":
                print(f"trigger {trigger.id}: {trigger.trigger_type} triggers are not served here", file=sys.stderr)
        routes = []
        for trigger in self._triggers.values():
            route = trigger.trigger_config["route"]
            if isinstance(route, str):  # else it is private
                routes.append(Route(route, trigger.id))
        return Router(routes)

    def _open_state(self) -> KeyValueFile | None:
        """Open the key-value file, if any component has a store."""
        self._settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(component.metadata.key_value_stores for component in self._folder.app.components):
            return None
        return KeyValueFile(self._settings.state_dir)

    def _load(self) -> dict[str, Guest]:
        clock = EpochClock(new_engine())
        try:
            cache = CompileCache(self._settings.cache_dir)
            guests = {
                component.id: self._load_component(clock, cache, component) for component in self._folder.app.components
            }
        except (CacheError, OSError) as error:
            raise AppError(str(error)) from None
        for trigger in self._triggers.values():
            name = trigger.trigger_config.get("component")
            if name is not None and name not in guests:
                raise AppError(f"trigger {trigger.id}: the app has no component {name!r}")
        return guests

    def _load_component(self, clock: EpochClock, cache: CompileCache, component: LockedComponent) -> Guest:
        digest, wasm = self._folder.wasm(component)
        compiled = cache.load(clock.engine, digest, wasm)
        return Guest(component.id, clock, compiled, self._services(component), self._settings.limits)

    def _services(self, component: LockedComponent) -> Services:
        declared = component.metadata
        try:
            hosts = map(self._variables.render, declared.allowed_outbound_hosts)
            allowed = AllowedHosts(hosts, (component.id for component in self._folder.app.components))
        except (HostError, TemplateError, UndefinedVariableError) as error:
            raise AppError(f"component {component.id}: allowed_outbound_hosts: {error}") from None
        file = self._state
        return Services(
            environment=component.env,
            files=self._folder.files(component),
            variables=ComponentVariables(self._variables, component.config, component.id),
            key_value={label: KeyValueStore(file, label) for label in declared.key_value_stores} if file else {},
            databases={label: self._settings.state_dir / f"sqlite-{label}.db" for label in declared.databases},
            outbound=self._outbound(allowed),
        )

    def _outbound(self, allowed: AllowedHosts) -> Outbound:
        def own_authority() -> str:
            return self.base_url.removeprefix("http://")

        def may_reach(host: str, port: int) -> bool:
            return f"{host}:{port}" == own_authority() or (
                port in self._settings.local_ports and allowed.names(host, port)
            )

        return Outbound(allowed, Network(may_reach), self._chain, own_authority)

    def _chain(self, component: str, request: HttpRequest) -> HttpResponse | None:
        """Spin's local service chaining: one component calls another without the network."""
        guest = self._guests.get(component)
        match = RouteMatch(Route("/...", ""), rest=request.path)
        # Spin takes the caller's Host away here, so the component sees the name that stands in for a missing one.
        return guest.handle(_with_spin_headers(request, match, "localhost", "0.0.0.0:0")) if guest else None


def _static(config: Mapping[str, object]) -> HttpResponse:
    headers = config.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    body = config.get("body")
    return HttpResponse(
        int(str(config.get("status_code", 200))),
        [(str(name).lower(), str(value).encode()) for name, value in pairs],
        str(body).encode() if body is not None else b"",
    )


def _with_spin_headers(request: HttpRequest, match: RouteMatch, host: str, client: str) -> HttpRequest:
    """Add what Spin tells a component about its route (crates/trigger-http/src/headers.rs).

    A caller's own headers of these names stay in front of them, as there: a function must take the last.
    """
    added = {
        "spin-path-info": match.rest,
        "spin-full-url": f"{request.scheme}://{host}{request.target}",
        "spin-matched-route": match.route.based,
        "spin-base-path": "/",
        "spin-raw-component-route": match.route.pattern,
        "spin-component-route": match.route.prefix,
        "spin-client-addr": client,
    }
    added |= {f"spin-path-match-{name.lower()}": value for name, value in match.parameters.items()}
    return replace(request, headers=request.headers + [(name, value.encode()) for name, value in added.items()])
