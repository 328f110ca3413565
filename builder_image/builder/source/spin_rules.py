"""What Spin refuses of a spin.toml when it pushes the app or starts it, said before anything is built.

`spin build` and `spin registry push` take most of it, and the pod then ends again and again with the reason in its log.
Source: spin v3.6.3, crates/factor-variables, factor-key-value, factor-sqlite, http, trigger-redis,
outbound-networking-config; for a description, the OLPC canonical JSON of its image manifest, which escapes no control
characters.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from builder.errors import BuildError
from builder.source import http_trigger, outbound_hosts, templates

_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_PROVIDED: Final = "default"
"""The one key-value store and the one database that an app has without a runtime configuration."""
_TOOL: Final = "blue-faas"
_REDIS_FIELDS: Final = ("component", "channel", "address")
_DECLARE: Final = (
    "Without a runtime configuration an app has only 'default'. If the app is deployed with runtime_config, say so in "
    'spin.toml: [application.tool.blue-faas.runtime_config] with {key} = ["{label}"].'
)


def check(values: Mapping[str, Any]) -> None:
    """Check a parsed spin.toml whose tables have the types that `builder.source.manifest` asks for.

    Raises
    ------
    BuildError
        Spin would not push or not start the app: where, Spin's reason, and what to do.
    """
    application = values["application"]
    _check_annotations(application)
    variables = _table(values, "variables")
    defaults = {name: _default(variable) for name, variable in variables.items()}
    provided = _runtime_config(application)
    for label, component in _components(values):
        where = f"spin.toml: component {label}"
        _check_variables(_table(component, "variables"), defaults, where)
        _check_hosts(component.get("allowed_outbound_hosts"), defaults, where)
        _check_stores(component, provided, label, where)
    _check_triggers(values)


def _check_annotations(application: Mapping[str, Any]) -> None:
    authors = application.get("authors")
    texts = {key: application.get(key) for key in ("name", "version", "description")}
    texts |= {"authors": ", ".join(map(str, authors)) if isinstance(authors, list) else ""}
    for key, text in texts.items():
        if isinstance(text, str) and _CONTROL.search(text):
            raise BuildError(
                f"spin.toml: application.{key} has a line break or another control character, which the registry would "
                "refuse (MANIFEST_INVALID: Spin writes it into the image's manifest as it is). Put it on one line."
            )


def _check_variables(variables: Mapping[str, Any], declared: Mapping[str, str | None], where: str) -> None:
    for name, text in variables.items():
        if not isinstance(text, str):
            continue  # the push refuses it
        try:
            templates.parse(text).check_names(declared)
        except templates.TemplateError as error:
            advice = "Declare it under [variables]." if "unknown variable" in str(error) else "Close it with '}}'."
            raise BuildError(f"{where}: variables.{name}: {error}. {advice}") from None


def _check_hosts(entries: object, defaults: Mapping[str, str | None], where: str) -> None:
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        return  # absent, or the push refuses it
    try:
        outbound_hosts.check(entries, defaults)
        for entry in entries:
            templates.parse(entry).check_names(defaults)
    except (outbound_hosts.HostError, templates.TemplateError) as error:
        raise BuildError(f"{where}: allowed_outbound_hosts: {error}") from None


def _check_stores(component: Mapping[str, Any], provided: Mapping[str, frozenset[str]], label: str, where: str) -> None:
    for key, reason in (
        ("key_value_stores", 'unknown key_value_stores label "{store}" for component "{label}".'),
        (
            "sqlite_databases",
            "One or more components use SQLite databases which are not defined: component {label} uses database "
            "'{store}'.",
        ),
    ):
        stores = component.get(key)
        for store in stores if isinstance(stores, list) else ():
            if isinstance(store, str) and store not in provided[key]:
                said = reason.format(store=store, label=label)
                raise BuildError(f"{where}: {said} {_DECLARE.format(key=key, label=store)}")


def _runtime_config(application: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Labels that exist when the app runs: Spin's own, and those that the app says its runtime configuration has."""
    where = f"spin.toml: application.tool.{_TOOL}.runtime_config"
    declared: Any = application
    for key in ("tool", _TOOL, "runtime_config"):
        declared = declared.get(key, {}) if isinstance(declared, dict) else {}
    keys = ("key_value_stores", "sqlite_databases")
    if not isinstance(declared, dict) or not set(declared) <= set(keys):
        raise BuildError(f"{where} must be a table with {' and '.join(keys)}.")
    found = {}
    for key in keys:
        labels = declared.get(key, [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise BuildError(f"{where}: {key} must be a list of labels.")
        found[key] = frozenset([_PROVIDED, *labels])
    return found


def _check_triggers(values: Mapping[str, Any]) -> None:
    components = _table(values, "component")
    for kind, number, trigger in _triggers(values):
        where = f"spin.toml: trigger.{kind} number {number}"
        config = {key: value for key, value in trigger.items() if key not in {"id", "components"}}
        component = config.get("component")
        if isinstance(component, str) and component not in components:
            raise BuildError(f"{where}: there is no component '{component}'.")
        try:
            if kind == "http":
                http_trigger.check(str(trigger.get("id") or number), config)
            elif kind == "redis":
                _check_redis(config)
        except http_trigger.TriggerError as error:
            raise BuildError(f"{where}: {error}.") from None


def _check_redis(config: Mapping[str, Any]) -> None:
    for key in config:
        if key not in _REDIS_FIELDS:
            known = ", ".join(f"`{field}`" for field in _REDIS_FIELDS)
            raise http_trigger.TriggerError(f"unknown field `{key}`, expected one of {known}")


def _components(values: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every component with the name that its place gives it; those written inside a trigger as well."""
    yield from _table(values, "component").items()
    for kind, number, trigger in _triggers(values):
        if isinstance(trigger.get("component"), dict):
            yield f"of trigger.{kind} number {number}", trigger["component"]


def _triggers(values: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Every trigger with its kind and its number among those of the kind, from 1."""
    for kind, triggers in _table(values, "trigger").items():
        for number, trigger in enumerate(triggers, start=1):
            yield kind, number, trigger


def _default(variable: object) -> str | None:
    default = variable.get("default") if isinstance(variable, dict) else None
    return default if isinstance(default, str) else None


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = values.get(key, {})
    return table if isinstance(table, dict) else {}
