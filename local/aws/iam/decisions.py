"""What roles asked for and got, kept in a file for `tests.support.unused_rights` and `bench.scale.demand`."""

import json
import os
import threading
from pathlib import Path

VARIABLE = "BLUE_FAAS_DECISIONS"
"""Environment variable of the AWS process: the file to append to. None is kept without it."""
EVERY = "BLUE_FAAS_DECISIONS_EVERY"
"""Environment variable of the AWS process: set, a call is kept as often as it is made, for who counts them."""


class Decisions:
    """Appends each allowed call of a role, once or every time: ``[role, action, resource]`` as a line of JSON."""

    def __init__(self, file: Path | None, *, every: bool = False) -> None:
        self._file = file
        self._every = every
        self._seen: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    def allowed(self, role: str, action: str, resource: str) -> None:
        """Take down a call that was let through."""
        call = (role, action, resource)
        if self._file is None or (call in self._seen and not self._every):
            return
        with self._lock:
            self._seen.add(call)
            # One write of less than a page: several clouds may share the file.
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, (json.dumps(call) + "\n").encode())
            finally:
                os.close(descriptor)
