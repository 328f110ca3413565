"""State that outlives the process: written while it runs, so that it is there after a kill at any moment.

ministack writes each service's state to a file of its own when it is told to stop, and nothing before. Here rows,
images and executions (`local.aws.seams.kept_stores`) are in the state file before anybody gets an answer that knows of
them, and objects of S3 are on the disk. All else, which deployments of the stack and the builds' logs change, is
written as a whole every second or so, and before an answer about a stack: what a stack made is there with it.
"""

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ministack import app as service
from ministack.services import cloudformation, s3

from local.aws.seams.kept_stores import Executions, Images, Json, Rows, Store, decoded, encoded
from local.cloud.state_file import Piece, StateFile

logger: Final = logging.getLogger(__name__)

State = Callable[[], Any]
TRIES: Final = 100
PAUSE_SECONDS: Final = 0.02
CHANGES_SECONDS: Final = 0.05
"""How long a change may wait that nobody has been told of."""
REST_SECONDS: Final = 1.0
REST_SHARE: Final = 20
"""The rest is written so seldom that it takes one in so many seconds at most."""
_STACKS: Final = "cloudformation"


class Keeper:
    """Writes the account's state to its file, and reads it at start."""

    def __init__(self, file: StateFile, stores: list[Store]) -> None:
        self._file = file
        self._stores = {store.service: store for store in stores}
        self._lock = threading.Lock()
        self._rest: dict[Piece, bytes] = {}
        """Digests of what is in the file of each service."""
        self._next_rest = 0.0
        self._touched = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-keeper", daemon=True)

    def start(self) -> None:
        """Restore what the file holds, and write what changes from now on."""
        saved = {key.id: decoded(value) for key, value in self._file.read("service").items()}
        for name in service._state_map:
            if name in saved:
                service._get_module(service._state_map[name]).load_persisted_state(self._with_pieces(name, saved[name]))
        self._thread.start()

    def _with_pieces(self, name: str, state: Json) -> Json:
        store = self._stores.get(name)
        if store is None:
            return state
        pieces = {key: value for kind in store.kinds for key, value in self._file.read(kind).items()}
        for key, value in pieces.items():
            store.written(key, value)
        return store.restored(state, pieces)

    async def before_answer(self, signed_as: str) -> None:
        """Write what an answer may tell of.

        Parameters
        ----------
        signed_as
            The service whose answer it is, as its requests are signed.
        """
        self._touched.set()
        for store in self._stores.values():
            if store.signed_as == signed_as:
                store.look_again()
        of_stack = signed_as == _STACKS
        # Not having changes is not enough: they may be those that are just being written.
        if of_stack or self._lock.locked() or any(store.has_changes for store in self._stores.values()):
            await asyncio.to_thread(self._write, rest=of_stack)

    def stop(self) -> None:
        """Write everything a last time."""
        self._ending.set()
        self._thread.join()
        self._write(rest=True)
        self._file.close()

    def _run(self) -> None:
        while not self._ending.wait(CHANGES_SECONDS):
            rest = self._touched.is_set() and time.monotonic() > self._next_rest
            if rest:
                self._touched.clear()
            try:
                self._write(rest=rest)
            except Exception:
                logger.exception("The state of this account could not be written; it is tried again")
                self._touched.set()

    def _write(self, *, rest: bool) -> None:
        with self._lock:
            self._write_changes()
            if rest:
                began = time.monotonic()
                self._write_rest()
                now = time.monotonic()
                self._next_rest = now + max(REST_SECONDS, REST_SHARE * (now - began))

    def _write_changes(self) -> None:
        changes = [(store, change) for store in self._stores.values() for change in patiently(store.changes)()]
        if not changes:
            return
        try:
            self._file.write(change for _, change in changes)
        except Exception:
            for store, (piece, _) in changes:
                store.missed(piece)
            raise
        for store, (piece, value) in changes:
            store.written(piece, value)

    def _write_rest(self) -> None:
        states = {} if _stack_under_way() else self._states()
        if _stack_under_way():
            return
        digests = {piece: hashlib.sha256(state).digest() for piece, state in states.items()}
        changed = [(piece, state) for piece, state in states.items() if self._rest.get(piece) != digests[piece]]
        if changed:
            self._file.write(changed)
            self._rest |= digests

    def _states(self) -> dict[Piece, bytes]:
        functions: Mapping[str, State] = service._build_persistence_save_dict()
        states: dict[Piece, bytes] = {}
        for name, get_state in functions.items():
            store = self._stores.get(name)
            state = patiently(_encoding(get_state if store is None else store.rest))()
            if state is not None:
                states[Piece("service", "", name)] = state
        return states


def _encoding(state: State) -> State:
    def encode() -> bytes | None:
        value = state()
        return None if value is None else encoded(value)

    return encode


def _stack_under_way() -> bool:
    """Whether a stack is being made or changed: what there is of it by now would be no state to begin from."""
    return any(str(stack["StackStatus"]).endswith("_IN_PROGRESS") for stack in cloudformation._stacks.all_values())


def install(folder: Path) -> Keeper:
    """Replace how ministack reads and writes its state."""
    keeper = Keeper(StateFile(folder / "state.db"), [Rows(), Images(), Executions()])
    service._load_persisted_state = keeper.start
    service.save_all = lambda _services: keeper.stop()
    s3._atomic_write = write_through
    return keeper


def write_through(path: str, data: bytes | str, *, text: bool = False) -> None:
    """Put a file in its place whole, and on the disk."""
    draft = f"{path}.tmp"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w" if text else "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)  # noqa: PTH105 - ministack's paths are text
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def patiently(state: State) -> State:
    """``state``, asked again when it changed while it was read (RuntimeError); the last error is raised."""

    def read() -> Any:
        for _ in range(TRIES - 1):
            try:
                return state()
            except RuntimeError:  # "dictionary changed size during iteration"
                time.sleep(PAUSE_SECONDS)
        return state()

    return read
