"""Writing the user's contexts."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from blue_faas_cli.config import read_contexts


def write_context(path: Path, name: str, context: Mapping[str, str]) -> None:
    """Add a context, or replace the one of the same name, and make it the current one.

    The file is replaced as a whole: whoever reads it sees the old or the new one.
    """
    _, contexts = read_contexts(path)
    contexts[name] = dict(context)
    lines = [f"current = {_text(name)}"]
    for each, values in sorted(contexts.items()):
        lines += ["", f"[contexts.{_text(each)}]", *(f"{key} = {_text(value)}" for key, value in values.items())]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_text("\n".join(lines) + "\n", "utf-8")
    written.replace(path)


def _text(value: str) -> str:
    """Return a basic string of TOML; JSON's strings are such, but for DEL, which TOML wants escaped."""
    return json.dumps(value).replace("\x7f", "\\u007f")
