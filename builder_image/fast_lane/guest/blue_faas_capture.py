"""Copies what componentize-py mounts while it makes the base: CPython's library and the generated bindings.

Runs once, inside the base component, next to `blue_faas_base`. The library is inside componentize-py's binary and
nowhere else on the machine; here it is an ordinary folder.
"""

import os

_FOLDERS = {"/python": "python", "/bundled": "bundled", "/1/spin_sdk/wit": "wit"}


def capture(target: str) -> None:
    """Copy all of it below ``target``."""
    for source, name in _FOLDERS.items():
        _copy(source, f"{target}/{name}")


def _copy(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    for entry in os.scandir(source):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            _copy(entry.path, f"{target}/{entry.name}")
        else:
            with open(entry.path, "rb") as file:
                content = file.read()
            with open(f"{target}/{entry.name}", "wb") as file:
                file.write(content)
