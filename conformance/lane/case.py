"""One app of the corpus: what it is made of, how it is built, what it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.spin.http_cases import HttpCase, request
from functions.contracts.build_result import Way

STANDARD: Final = ("-w", "spin-http", "componentize", "app", "-o", "app.wasm")
MANIFEST: Final = """\
spin_manifest_version = 2
[application]
name = "app"
[variables]
greeting = { default = "안녕" }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
key_value_stores = ["default"]
sqlite_databases = ["default"]
ai_models = ["llama2-chat"]
allowed_outbound_hosts = ["*://127.0.0.1:9", "http://app.spin.internal"]
environment = { LEVEL = "debug" }
variables = { greeting = "{{ greeting }}" }
"""


def targets(*paths: str) -> tuple[HttpCase, ...]:
    """Make a GET of each."""
    return tuple(HttpCase(path, request(path)) for path in paths)


@dataclass(frozen=True)
class Case:
    """An app, and what the two ways are compared by.

    Parameters
    ----------
    files
        By their path in the folder that it is built in.
    requests
        None of them: it is built only, for instance because the build is to fail.
    way
        The one that the lane has to take: a case that falls back proves nothing of the lane.
    known
        Why there may be a difference, and in what: ``build``, ``bytes of two builds``, ``log``, or a request's name.
    """

    name: str
    files: Mapping[str, bytes]
    requests: tuple[HttpCase, ...] = targets("/")
    arguments: tuple[str, ...] = STANDARD
    packages: tuple[str, ...] = ()
    manifest: str = MANIFEST
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Files that the app is pushed with, which are not there when it is built."""
    way: Way = "fast lane"
    known: Mapping[str, str] = field(default_factory=dict)
