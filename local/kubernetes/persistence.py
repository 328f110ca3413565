"""The cluster's state in a file: read at start, and written before a client of the API is told of a change."""

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Final

from local.cloud.state_file import Piece, StateFile
from local.kubernetes.api.store import ForgottenError, Key, Object, Store

logger = logging.getLogger(__name__)

WRITE_AFTER_SECONDS: Final = 0.1
"""How long a change of a controller's may wait, which no client has been told of."""
_OBJECT: Final = "object"
_VERSION: Final = Piece("version", "", "")


class Persistence:
    """Keeps a `Store` in a file. A cluster that is killed loses nothing that a client was told of."""

    def __init__(self, store: Store, path: Path) -> None:
        """Open the file, or make it.

        Raises
        ------
        local.cloud.state_file.StateFileError
            It cannot be read.
        """
        self._store = store
        self._file = StateFile(path)
        self._lock = threading.Lock()
        self._written = 0
        """The resourceVersion that the file is at."""
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-file", daemon=True)

    def load(self) -> None:
        """Read the state, if there is any."""
        version = self._file.read(_VERSION.kind).get(_VERSION)
        if version is None:
            return
        objects = {Key(*json.loads(piece.id)): json.loads(value) for piece, value in self._file.read(_OBJECT).items()}
        self._written = int(version)
        self._store.restore(objects, self._written)

    def start(self) -> None:
        """Write the state whenever it has changed."""
        self._store.subscribe(self._changed.set)
        self._changed.set()
        self._thread.start()

    def stop(self) -> None:
        """Write the state a last time."""
        self._stopping.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write()
        self._file.close()

    async def written(self) -> None:
        """Return when what has been changed by now is in the file."""
        if self._store.version > self._written:
            await asyncio.to_thread(self._write)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            if self._stopping.wait(WRITE_AFTER_SECONDS):
                return
            self._changed.clear()
            try:
                self._write()
            except OSError as error:
                logger.warning("the cluster's state is not kept: %s", error)

    def _write(self) -> None:
        with self._lock:
            with self._store.lock:
                version = self._store.version
                changed = self._changes()
            if version > self._written:
                pieces = [(Piece(_OBJECT, "", json.dumps(key)), _encoded(obj)) for key, obj in changed.items()]
                self._file.write([*pieces, (_VERSION, str(version).encode())])
                self._written = version

    def _changes(self) -> dict[Key, Object | None]:
        """Collect what was written to the store since the file was; None for what was removed."""
        try:
            events = self._store.events_after(self._written)
        except ForgottenError:
            known = {Key(*json.loads(piece.id)) for piece in self._file.read(_OBJECT)}
            return {**dict.fromkeys(known), **dict(self._store.items())}
        return {event.key: None if event.type == "DELETED" else event.obj for event in events}


def _encoded(obj: Object | None) -> bytes | None:
    return None if obj is None else json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()
