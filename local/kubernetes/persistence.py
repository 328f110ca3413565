"""The cluster's state in a file: read at start, written soon after a change and at the end."""

import logging
import threading
from contextlib import suppress
from pathlib import Path

from local.kubernetes.api.store import Store

logger = logging.getLogger(__name__)

WRITE_AFTER_SECONDS = 5.0


class StateFile:
    """Keeps a `Store` in a file. A cluster that is killed loses at most the last `WRITE_AFTER_SECONDS`."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-file", daemon=True)

    def load(self) -> None:
        """Read the state, if there is any. A file that cannot be read is put aside, not overwritten."""
        if not self._path.exists():
            return
        try:
            self._store.load(self._path)
        except (OSError, ValueError) as error:
            aside = self._path.with_suffix(".unreadable")
            with suppress(OSError):
                self._path.replace(aside)
            logger.warning("the cluster starts empty, its old state is kept as %s: %s", aside, error)

    def start(self) -> None:
        """Write the state whenever it has changed."""
        self._store.subscribe(self._changed.set)
        self._thread.start()

    def stop(self) -> None:
        """Write the state a last time."""
        self._stopping.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store.dump(self._path)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            if self._stopping.wait(WRITE_AFTER_SECONDS):
                return
            self._changed.clear()
            try:
                self._store.dump(self._path)
            except OSError as error:
                logger.warning("cannot keep the cluster's state in %s: %s", self._path, error.strerror)
