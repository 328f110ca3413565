"""What is built in measurements: the smallest function, so that every build is one that nobody has built before."""

import itertools
import time
from pathlib import Path
from typing import Final

from local.cloud.places import ROOT

HELLO: Final = ROOT / "examples" / "hello" / "app.py"
COMPONENTIZE: Final = "componentize-py -w spin-http componentize app -o app.wasm"
"""Build command of a component whose module is ``app``."""
_numbers = itertools.count()


def never_built(source: Path = HELLO, more: bytes = b"") -> bytes:
    """Return a source with ``more`` and a line that it has not had: the same one would not be built again."""
    return source.read_bytes() + more + f"\n# {time.time_ns()} {next(_numbers)}\n".encode()
