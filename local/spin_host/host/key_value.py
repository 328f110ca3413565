"""``fermyon:spin/key-value@2.0.0`` and ``wasi:keyvalue@0.2.0-draft2`` over `local.spin_host.key_value_store`.

A store that the component does not declare in ``key_value_stores`` is ``access-denied``, as in Spin.
"""

import functools
from typing import Any, Final

from wasmtime.component import Record, Variant

from local.spin_host.host.abi import HostFunction, Interface, RequestContext, Resource, err, none, ok, option, record
from local.spin_host.key_value_store import KeyValueStore, NotANumberError, StoreFailure

_DENIED: Final = Variant("access-denied")


class NotSupportedError(Exception):
    """The call asks for what Spin does not do either."""


class Store(Resource):
    """``store`` and ``bucket``: one named store, open."""

    def __init__(self, store: KeyValueStore) -> None:
        self.values = store


class Bucket(Store, Resource):
    """The same under WASI's name."""


class CompareAndSwap(Resource):
    """``cas``: a key and the value that a swap expects there.

    As in Spin (v3.6.3, crates/key-value-spin), nothing is expected before ``current`` was asked for: a swap without it
    overwrites.
    """

    def __init__(self, store: KeyValueStore, key: str) -> None:
        self.values = store
        self.key = key
        self.expected: bytes | None = None

    def current(self) -> bytes | None:
        """Read the value, which the swap expects from now on."""
        self.expected = self.values.get(self.key)
        return self.expected

    def swap(self, value: bytes) -> bool:
        """Set the value unless another one than the expected is there; tells whether it was set."""
        if self.expected is None:
            self.values.set_many([(self.key, value)])
            return True
        return self.values.swap(self.key, self.expected, value)


def _reporting(function: HostFunction) -> HostFunction:
    """Answer with ``function``'s value, or with the interface's error where the store or its content failed."""

    @functools.wraps(function)
    def answer(*arguments: Any) -> Variant:
        try:
            return ok(function(*arguments))
        except (StoreFailure, NotANumberError, NotSupportedError) as failure:
            return err(Variant("other", str(failure)))

    return answer


def _open(kind: type[Store]) -> HostFunction:
    def open_store(context: RequestContext, label: str) -> Variant:
        values = context.services.key_value.get(label)
        return err(_DENIED) if values is None else ok(context.own(kind(values)))

    return open_store


def _list_keys(_context: RequestContext, opened: Bucket, cursor: Variant) -> Record:
    if cursor.tag == "some":
        raise NotSupportedError("list_keys: cursor not supported")
    return record(keys=opened.values.keys(), cursor=none())


def _get_many(_context: RequestContext, opened: Bucket, keys: list[str]) -> list[tuple[str, Variant]]:
    # Only what is there, each once, as one query answers it.
    found = [(key, opened.values.get(key)) for key in sorted(set(keys))]
    return [(key, option(value)) for key, value in found if value is not None]


def _swap(context: RequestContext, cas: CompareAndSwap, value: bytes) -> Variant:
    try:
        if cas.swap(value):
            return ok()
        return err(Variant("cas-failed", context.own(CompareAndSwap(cas.values, cas.key))))
    except StoreFailure as failure:
        return err(Variant("store-error", Variant("other", str(failure))))


_OPERATIONS: Final[dict[str, HostFunction]] = {
    "get": _reporting(lambda _, opened, key: option(opened.values.get(key))),
    "set": _reporting(lambda _, opened, key, value: opened.values.set_many([(key, value)])),
    "delete": _reporting(lambda _, opened, key: opened.values.delete_many([key])),
    "exists": _reporting(lambda _, opened, key: opened.values.get(key) is not None),
}

INTERFACES: Final = (
    Interface(
        "fermyon:spin/key-value@2.0.0",
        {"store": Store},
        {
            "[static]store.open": _open(Store),
            "[method]store.get-keys": _reporting(lambda _, opened: opened.values.keys()),
            **{f"[method]store.{name}": function for name, function in _OPERATIONS.items()},
        },
    ),
    Interface(
        "wasi:keyvalue/store@0.2.0-draft2",
        {"bucket": Bucket},
        {
            "open": _open(Bucket),
            "[method]bucket.list-keys": _reporting(_list_keys),
            **{f"[method]bucket.{name}": function for name, function in _OPERATIONS.items()},
        },
    ),
    Interface(
        "wasi:keyvalue/batch@0.2.0-draft2",
        functions={
            "get-many": _reporting(_get_many),
            "set-many": _reporting(lambda _, opened, pairs: opened.values.set_many(pairs)),
            "delete-many": _reporting(lambda _, opened, keys: opened.values.delete_many(keys)),
        },
    ),
    Interface(
        "wasi:keyvalue/atomics@0.2.0-draft2",
        {"cas": CompareAndSwap},
        {
            "increment": _reporting(lambda _, opened, key, delta: opened.values.increment(key, delta)),
            "[static]cas.new": lambda context, opened, key: ok(context.own(CompareAndSwap(opened.values, key))),
            "[method]cas.current": _reporting(lambda _, cas: option(cas.current())),
            "swap": _swap,
        },
    ),
)
