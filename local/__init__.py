"""The one-machine cloud: AWS APIs, a build runner, a Kubernetes API and a function runtime on 127.0.0.1."""

import sys
from pathlib import Path
from typing import Final

_BUILDER: Final = str(Path(__file__).resolve().parent.parent / "builder_image")
"""Rules that the builder and the stand-ins share have their home in the builder, which ships without `local`."""

if _BUILDER not in sys.path:
    sys.path.append(_BUILDER)
