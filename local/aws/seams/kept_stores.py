"""What of an account has to outlive a kill at once: rows of tables, images, executions.

Each store tells what has changed since it was asked last, piece by piece, and puts pieces back into the state that
ministack restores. What they hold grows with every task; all else of the account is small and seldom changes, and is
written as a whole (`local.aws.seams.saved_state`).
"""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, ecr, stepfunctions
from typing_extensions import override

from local.cloud.state_file import Piece

Json = dict[str, Any]
Change = tuple[Piece, bytes | None]
_DYNAMODB_STATE: Final = (
    *("tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights"),
    *("backups", "resource_policies", "exports", "imports"),
)


def encoded(value: Any) -> bytes:
    """Encode a value of ministack's as it does for its own files."""
    return json.dumps(value, default=persistence._json_default).encode()


def decoded(value: bytes | str) -> Any:
    """Return what `encoded` was given."""
    return json.loads(value, object_hook=persistence._json_object_hook)


class Store(ABC):
    """One service's pieces. `changes` begins a writing; it ends with `written`, or `missed`, for each of them."""

    service: ClassVar[str]
    """As ministack calls its state."""
    signed_as: ClassVar[str]
    """As requests of its API are signed."""
    kinds: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: dict[Any, None] = {}

    @property
    def has_changes(self) -> bool:
        """Whether `changes` may have something to tell."""
        return bool(self._changed)

    def note(self, changed: Iterable[Any]) -> None:
        """Note what has changed, in the store's own terms."""
        with self._lock:
            self._changed.update(dict.fromkeys(changed))

    def noted(self) -> list[Any]:
        """Take what has changed since the last call."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return list(changed)

    def look_again(self) -> None:  # noqa: B027 - most hear of their changes
        """Look for changes: a request of the service's API was answered."""

    @abstractmethod
    def changes(self) -> list[Change]:
        """Return what is to be written."""

    @abstractmethod
    def written(self, key: Piece, value: bytes | None) -> None:
        """Note that a piece is in the file."""

    @abstractmethod
    def missed(self, key: Piece) -> None:
        """Note that a piece could not be written: it is a change still."""

    @abstractmethod
    def rest(self) -> Json:
        """Return the service's state without what its pieces hold."""

    @abstractmethod
    def restored(self, state: Json, pieces: Mapping[Piece, bytes]) -> Json:
        """Put the pieces in their places in ``state``, which is what `rest` was; returns the state to restore."""


class Rows(Store):
    """Rows of DynamoDB's tables. They are replaced, never changed in place, and by three functions only."""

    service = signed_as = "dynamodb"
    kinds = ("row",)

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, set[Piece]] = {}
        set_item, remove_item, replaced = dynamodb._set_item, dynamodb._remove_item, dynamodb._items_replaced

        def set_and_note(table: Json, partition: Any, sort: Any, item: Json) -> Any:
            old = set_item(table, partition, sort, item)
            self.note([_row_key(table, partition, sort)])
            return old

        def remove_and_note(table: Json, partition: Any, sort: Any) -> Any:
            old = remove_item(table, partition, sort)
            self.note([_row_key(table, partition, sort)])
            return old

        def replace_and_note(table: Json) -> None:
            replaced(table)
            present = [_row_key(table, partition, sort) for partition, sort, _ in _items(table)]
            self.note([*self._known.get(table["TableArn"], ()), *present])

        dynamodb._set_item, dynamodb._remove_item = set_and_note, remove_and_note
        dynamodb._items_replaced = replace_and_note

    @override
    def missed(self, key: Piece) -> None:
        self.note([key])

    @override
    def changes(self) -> list[Change]:
        tables = _tables_by_arn()
        gone = (key for arn in set(self._known) - set(tables) for key in self._known[arn])
        return [(key, _row(tables.get(key.scope), key)) for key in dict.fromkeys([*self.noted(), *gone])]

    @override
    def written(self, key: Piece, value: bytes | None) -> None:
        known = self._known.setdefault(key.scope, set())
        if value is None:
            known.discard(key)
        else:
            known.add(key)
        if not known:
            del self._known[key.scope]

    @override
    def rest(self) -> Json:
        tables = AccountRegionScopedDict()
        for (account, region, name), table in dynamodb._tables.all_items():
            kept = {field: value for field, value in table.items() if field != dynamodb._INDEX_MEMBERS}
            tables.set_scoped(account, region, name, kept | {"items": {}})
        return {"tables": tables, **{name: getattr(dynamodb, f"_{name}") for name in _DYNAMODB_STATE}}

    @override
    def restored(self, state: Json, pieces: Mapping[Piece, bytes]) -> Json:
        tables = {table["TableArn"]: table for table in state["tables"].all_values()}
        for key, value in pieces.items():
            if table := tables.get(key.scope):
                partition, sort = decoded(key.id)
                table["items"].setdefault(partition, {})[sort] = decoded(value)
        for table in tables.values():
            dynamodb._update_counts(table)
        return state


def _row_key(table: Json, partition: Any, sort: Any) -> Piece:
    return Piece("row", table["TableArn"], encoded([partition, sort]).decode())


def _row(table: Json | None, key: Piece) -> bytes | None:
    partition, sort = decoded(key.id)
    item = table["items"].get(partition, {}).get(sort) if table is not None else None
    return None if item is None else encoded(item)


def _items(table: Json) -> Iterator[tuple[Any, Any, Json]]:
    for partition, rows in list(table["items"].items()):
        for sort, item in list(rows.items()):
            yield partition, sort, item


def _tables_by_arn() -> dict[str, Json]:
    return {table["TableArn"]: table for table in dynamodb._tables.all_values()}


class Images(Store):
    """ECR's images: layers and manifests by their digests, and what is known of a repository's images.

    What has changed is found by comparing, after requests that may have changed something.
    """

    service = signed_as = "ecr"
    kinds = ("layer", "manifest", "images")
    _REST: ClassVar = ("repositories", "lifecycle_policies", "repo_policies")

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[Piece, bytes] = {}
        """What is in the file: nothing of the content of layers and manifests, whose digests say it."""

    @override
    def look_again(self) -> None:
        self.note([self.service])

    @override
    def missed(self, key: Piece) -> None:
        self.look_again()

    @override
    def changes(self) -> list[Change]:
        if not self.noted():
            return []
        blobs = self._blobs()
        images = {
            Piece("images", encoded(repository).decode(), ""): encoded(images)
            for repository, images in list(ecr._images._data.items())
        }
        gone: list[Change] = [(key, None) for key in self._written if key not in blobs and key not in images]
        # A digest says what the content is: what is in the file is not read again.
        new = [(key, by_digest[key.id]) for key, by_digest in blobs.items() if key not in self._written]
        return gone + new + [(key, value) for key, value in images.items() if self._written.get(key) != value]

    @staticmethod
    def _blobs() -> dict[Piece, Mapping[str, bytes]]:
        """Return where the content of each layer and manifest is to be had."""
        return {
            Piece(kind, encoded(repository).decode(), digest): by_digest
            for kind, blobs in (("layer", ecr._layer_blobs), ("manifest", ecr._manifest_blobs))
            for repository, by_digest in list(blobs._data.items())
            for digest in list(by_digest)
        }

    @override
    def written(self, key: Piece, value: bytes | None) -> None:
        if value is None:
            self._written.pop(key, None)
        else:
            self._written[key] = value if key.kind == "images" else b""

    @override
    def rest(self) -> Json:
        return {name: getattr(ecr, f"_{name}") for name in self._REST}

    @override
    def restored(self, state: Json, pieces: Mapping[Piece, bytes]) -> Json:
        layers, manifests, images = (AccountRegionScopedDict() for _ in range(3))
        for key, value in pieces.items():
            repository = tuple(decoded(key.scope))
            if key.kind == "images":
                images._data[repository] = decoded(value)
            else:
                blobs = layers if key.kind == "layer" else manifests
                blobs._data.setdefault(repository, {})[key.id] = value
        return state | {"layer_blobs": layers, "manifest_blobs": manifests, "images": images}


class Executions(Store):
    """Executions of state machines: when they have begun, and when they have ended with all their history."""

    service = "stepfunctions"
    signed_as = "states"
    kinds = ("execution",)
    _REST: ClassVar = (
        *("state_machines", "tags", "activities"),
        *("state_machine_versions", "state_machine_aliases", "map_runs"),
    )

    def __init__(self) -> None:
        super().__init__()
        announce, add_event = stepfunctions._emit_execution_status_event, stepfunctions._add_event

        def note_and_announce(record: Json) -> None:
            self.note([record["executionArn"]])
            announce(record)

        def add_and_note(record: Json, kind: str, *details: Any) -> Any:
            event = add_event(record, kind, *details)
            if kind.startswith("Execution"):
                self.note([record["executionArn"]])
            return event

        stepfunctions._emit_execution_status_event = note_and_announce
        stepfunctions._add_event = add_and_note

    @override
    def written(self, key: Piece, value: bytes | None) -> None:
        pass

    @override
    def missed(self, key: Piece) -> None:
        self.note([key.id])

    @override
    def changes(self) -> list[Change]:
        arns = self.noted()
        records = {record["executionArn"]: record for record in stepfunctions._executions.all_values()} if arns else {}
        return [(Piece("execution", "", arn), encoded(records[arn]) if arn in records else None) for arn in arns]

    @override
    def rest(self) -> Json:
        return {name: getattr(stepfunctions, f"_{name}") for name in self._REST}

    @override
    def restored(self, state: Json, pieces: Mapping[Piece, bytes]) -> Json:
        executions = AccountRegionScopedDict()
        for key, value in pieces.items():
            _, _, _, region, account, _ = key.id.split(":", 5)
            executions.set_scoped(account, region, key.id, decoded(value))
        return state | {"executions": executions}
