"""The calls of AWS that a one-machine cloud judges: what its functions, states and builds really ask."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.aws.iam.decisions import EVERY, VARIABLE


class Calls:
    """Every call since the cloud began, as it comes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = 0

    def new(self) -> list[tuple[str, str]]:
        """Return role and action of each call since this was last asked."""
        lines = self._file.read_text("utf-8").splitlines()
        before, self._seen = self._seen, len(lines)
        return [(role, action) for role, action, _ in map(json.loads, lines[before:])]


@contextlib.contextmanager
def counted() -> Iterator[Calls]:
    """Have clouds that start in the block write down every call of every role."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls")
        os.environ |= {VARIABLE: str(file), EVERY: "yes"}
        try:
            yield Calls(file)
        finally:
            del os.environ[VARIABLE], os.environ[EVERY]
