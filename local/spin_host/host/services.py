"""What the host offers one component: its own view of the app's state, settings and network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.spin_host.files import Directory
from local.spin_host.key_value_store import KeyValueStore
from local.spin_host.outbound import Outbound
from local.spin_host.variables import ComponentVariables


@dataclass(frozen=True)
class Services:
    """Everything here is limited to what the component declares."""

    environment: Mapping[str, str]
    files: Directory
    variables: ComponentVariables
    key_value: Mapping[str, KeyValueStore]
    """By label."""
    databases: Mapping[str, Path]
    """Label to SQLite file."""
    outbound: Outbound
