"""Bring a manifest into its one canonical form. Source: crates/manifest/src/normalize.rs."""

from collections.abc import Container

from local.spin_cli.ids import kebab_fault
from local.spin_cli.manifest import Component, Manifest


def normalize(manifest: Manifest) -> None:
    """Give every trigger an id and move inline components to the components, in place, in that order."""
    _give_ids(manifest)
    for trigger in (trigger for triggers in manifest.triggers.values() for trigger in triggers):
        if isinstance(trigger.component, Component):
            wished = f"{trigger.id}-component"
            natural = wished if kebab_fault(wished) is None else None
            name = _free_id(natural, "inline-component", manifest.components)
            manifest.components[name] = trigger.component
            trigger.component = name


def _give_ids(manifest: Manifest) -> None:
    taken = {trigger.id for triggers in manifest.triggers.values() for trigger in triggers}
    for kind, triggers in manifest.triggers.items():
        for trigger in triggers:
            if not trigger.id:
                natural = f"{trigger.component}-{kind}-trigger" if isinstance(trigger.component, str) else None
                trigger.id = _free_id(natural, f"{kind}-trigger", taken)
                taken.add(trigger.id)


def _free_id(natural: str | None, counted: str, taken: Container[str]) -> str:
    """Choose the natural id if there is one and it is free, else the first free counted one."""
    if natural is not None and natural not in taken:
        return natural
    number = 1
    while f"{counted}{number}" in taken:
        number += 1
    return f"{counted}{number}"
