"""What keeps Spin from starting an application, said as Spin says it (v3.6.3), and what cannot be served here."""

from collections.abc import Container
from typing import Final

from builder.source import http_trigger, templates

from local.spin_host.locked_app import AppError, LockedApp, LockedComponent, LockedTrigger

DEFAULT_LABEL: Final = "default"
"""The one key-value store and the one database that exist without a runtime configuration."""

_SPIN_EXECUTORS: Final = (None, "http", "spin")


def check(app: LockedApp) -> None:
    """Check variables, stores and triggers.

    Raises
    ------
    AppError
        The first thing for which Spin would end, or an executor that only a cluster has.
    """
    for component in app.components:
        _check_variables(component, app.variables)
        for label in component.metadata.key_value_stores:
            if label != DEFAULT_LABEL:
                raise AppError(f'unknown key_value_stores label "{label}" for component "{component.id}"')
    _check_databases(app)
    for trigger in app.triggers:
        if trigger.trigger_type == "http":
            _check_trigger(trigger)


def _check_variables(component: LockedComponent, declared: Container[str]) -> None:
    for name, text in component.config.items():
        try:
            templates.parse(text).check_names(declared)
        except templates.TemplateError as error:
            raise AppError(f"component {component.id}: variable {name}: {error}") from None


def _check_databases(app: LockedApp) -> None:
    missing = [
        f"- Component {component.id} uses database '{label}'"
        for component in app.components
        for label in component.metadata.databases
        if label != DEFAULT_LABEL
    ]
    if missing:
        reason = "One or more components use SQLite databases which are not defined."
        raise AppError("\n".join([reason, "Details:", *missing]))


def _check_trigger(trigger: LockedTrigger) -> None:
    config = trigger.trigger_config
    try:
        http_trigger.check(trigger.id, config)
    except http_trigger.TriggerError as error:
        raise AppError(f"trigger {trigger.id}: {error}") from None
    kind = (config.get("executor") or {}).get("type")
    if kind not in _SPIN_EXECUTORS:
        raise AppError(f"trigger {trigger.id}: executor {kind!r} is not served here; use 'http'")
