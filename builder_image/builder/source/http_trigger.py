"""``[[trigger.http]]`` as Spin reads it when an app starts: which fields it may have, of which types.

Source: spin v3.6.3, crates/http/src/config.rs and crates/routes/src/lib.rs. Texts of errors are Spin's.
"""

from collections.abc import Mapping
from typing import Any, Final

from builder.source.serde import described

_FIELDS: Final = ("component", "static_response", "route", "executor")
_EXECUTORS: Final = {"http": (), "spin": (), "wagi": ("entrypoint", "argv"), "wasip3-unstable": ()}
_HIGHEST_STATUS_FIELD: Final = 65535
_WILDCARDS: Final = frozenset({"...", "*"})
_LOWEST_STATUS, _HIGHEST_STATUS = 100, 999


class TriggerError(ValueError):
    """Spin would not start an app with this trigger."""


def check(trigger_id: str, config: Mapping[str, Any]) -> None:
    """Check one trigger's table: all of its keys but ``id``.

    Raises
    ------
    TriggerError
        What is wrong with it.
    """
    for key in config:
        if key not in _FIELDS:
            known = ", ".join(f"`{field}`" for field in _FIELDS)
            raise TriggerError(f"unknown field `{key}`, expected one of {known}")
    if "route" not in config:
        raise TriggerError("missing field `route`")
    _check_route(config["route"])
    _check_executor(config.get("executor"))
    if "static_response" in config:
        _check_static_response(config["static_response"])
    if ("component" in config) == ("static_response" in config):
        has = "both" if "component" in config else "neither"
        raise TriggerError(f"Triggers must specify either component or static_response - {trigger_id} has {has}")


def route_fault(route: str) -> str | None:
    """Say what is wrong with a route; None if nothing is."""
    segments = [segment for segment in route.strip("/").split("/") if segment]
    for place, segment in enumerate(segments, start=1):
        if segment in _WILDCARDS:
            if place < len(segments):
                return f"route '{route}': '{segment}' may only stand at the end"
        elif any(piece == ":" for piece in segment.split(".")):
            return f"route '{route}': ':' must be followed by a name"
    return None


def _check_route(route: object) -> None:
    if isinstance(route, str):
        if fault := route_fault(route):
            raise TriggerError(fault)
    elif route == {"private": False}:
        raise TriggerError("route must be a string pattern or '{ private = true }'")
    elif not (isinstance(route, Mapping) and set(route) == {"private"} and route["private"] is True):
        raise TriggerError("data did not match any variant of untagged enum HttpTriggerRouteConfig")


def _check_executor(executor: object) -> None:
    if executor is None:
        return
    if not isinstance(executor, Mapping):
        raise TriggerError(f"invalid type: {described(executor)}, expected internally tagged enum HttpExecutorType")
    kind = executor.get("type")
    if kind is None:
        raise TriggerError("missing field `type`")
    if not isinstance(kind, str) or kind not in _EXECUTORS:
        raise TriggerError(f"unknown variant `{kind}`, expected one of `http`, `spin`, `wagi`, `wasip3-unstable`")
    for key, value in executor.items():
        if key != "type" and key not in _EXECUTORS[kind]:
            raise TriggerError(f"unknown field `{key}`")
        if not isinstance(value, str):
            raise TriggerError(f"invalid type: {described(value)}, expected a string")


def _check_static_response(response: object) -> None:
    if not isinstance(response, Mapping):
        raise TriggerError(f"invalid type: {described(response)}, expected struct StaticResponse")
    status = response.get("status_code")
    if status is not None:
        if isinstance(status, bool) or not isinstance(status, int):
            raise TriggerError(f"invalid type: {described(status)}, expected u16")
        if not 0 <= status <= _HIGHEST_STATUS_FIELD:
            raise TriggerError(f"invalid value: {described(status)}, expected u16")
        if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
            raise TriggerError(f"static_response: status_code {status} is no HTTP status (100 to 999)")
    headers = response.get("headers", {})
    if not isinstance(headers, Mapping):
        raise TriggerError(f"invalid type: {described(headers)}, expected a map")
    for value in (*headers.values(), *([] if response.get("body") is None else [response["body"]])):
        if not isinstance(value, str):
            raise TriggerError(f"invalid type: {described(value)}, expected a string")
