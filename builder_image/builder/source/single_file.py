"""An upload of one .py file made into a Spin app: the file under a safe module name, and the spin.toml it lacks."""

from pathlib import Path
from typing import Final

from builder.source.names import component_id

MODULE: Final = "app"
"""What the file is called in the build, whatever its own name: ``json.py``, ``class.py`` and ``한글.py`` are files but
no usable modules."""

_MANIFEST: Final = """\
spin_manifest_version = 2

[application]
name = "{name}"
version = "0.1.0"

[[trigger.http]]
route = "/..."
component = "{component}"

[component.{component}]
source = "app.wasm"

[component.{component}.build]
command = "componentize-py -w spin-http componentize {module} -o app.wasm"
"""


def make_app(source: Path, file_name: str, app_name: str | None, folder: Path) -> None:
    """Put the app for ``source`` into ``folder``, an empty folder of the builder's own."""
    component = component_id(app_name or file_name.rpartition(".")[0])
    # An app name is letters, digits, '-', '_' and '.': nothing that TOML would need escaped.
    name = app_name or component
    (folder / f"{MODULE}.py").write_bytes(source.read_bytes())
    (folder / "spin.toml").write_text(_MANIFEST.format(name=name, component=component, module=MODULE), "utf-8")
