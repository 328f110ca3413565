"""``fermyon:spin/key-value@2.0.0`` and ``wasi:keyvalue@0.2.0-draft2`` over `local.spin_host.key_value_store`.

A store that the component does not declare in ``key_value_stores`` is ``access-denied``, as in Spin.
"""

from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import Interface, RequestContext, Resource, err, none, ok, option, record
from local.spin_host.key_value_store import KeyValueStore, NotANumberError, StoreFailure

_DENIED: Final = Variant("access-denied")


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


store = Interface("fermyon:spin/key-value@2.0.0", {"store": Store})
bucket = Interface("wasi:keyvalue/store@0.2.0-draft2", {"bucket": Bucket})
batch = Interface("wasi:keyvalue/batch@0.2.0-draft2")
atomics = Interface("wasi:keyvalue/atomics@0.2.0-draft2", {"cas": CompareAndSwap})


def _other(failure: Exception) -> Variant:
    return err(Variant("other", str(failure)))


@store.function("[static]store.open")
def _open_store(context: RequestContext, label: str) -> Variant:
    values = context.services.key_value.get(label)
    return err(_DENIED) if values is None else ok(context.own(Store(values)))


@bucket.function("open")
def _open_bucket(context: RequestContext, label: str) -> Variant:
    values = context.services.key_value.get(label)
    return err(_DENIED) if values is None else ok(context.own(Bucket(values)))


@store.function("[method]store.get")
@bucket.function("[method]bucket.get")
def _get(_context: RequestContext, opened: Store, key: str) -> Variant:
    try:
        return ok(option(opened.values.get(key)))
    except StoreFailure as failure:
        return _other(failure)


@store.function("[method]store.set")
@bucket.function("[method]bucket.set")
def _set(_context: RequestContext, opened: Store, key: str, value: bytes) -> Variant:
    return _set_many(_context, opened, [(key, value)])


@store.function("[method]store.delete")
@bucket.function("[method]bucket.delete")
def _delete(_context: RequestContext, opened: Store, key: str) -> Variant:
    return _delete_many(_context, opened, [key])


@store.function("[method]store.exists")
@bucket.function("[method]bucket.exists")
def _exists(_context: RequestContext, opened: Store, key: str) -> Variant:
    try:
        return ok(opened.values.get(key) is not None)
    except StoreFailure as failure:
        return _other(failure)


@store.function("[method]store.get-keys")
def _get_keys(_context: RequestContext, opened: Store) -> Variant:
    try:
        return ok(opened.values.keys())
    except StoreFailure as failure:
        return _other(failure)


@bucket.function("[method]bucket.list-keys")
def _list_keys(_context: RequestContext, opened: Bucket, cursor: Variant) -> Variant:
    if cursor.tag == "some":
        return _other(ValueError("list_keys: cursor not supported"))
    try:
        return ok(record(keys=opened.values.keys(), cursor=none()))
    except StoreFailure as failure:
        return _other(failure)


@batch.function("get-many")
def _get_many(_context: RequestContext, opened: Bucket, keys: list[str]) -> Variant:
    try:
        # Only what is there, each once, as one query answers it.
        found = [(key, opened.values.get(key)) for key in sorted(set(keys))]
        return ok([(key, option(value)) for key, value in found if value is not None])
    except StoreFailure as failure:
        return _other(failure)


@batch.function("set-many")
def _set_many(_context: RequestContext, opened: Store, pairs: list[tuple[str, bytes]]) -> Variant:
    try:
        opened.values.set_many(pairs)
    except StoreFailure as failure:
        return _other(failure)
    return ok()


@batch.function("delete-many")
def _delete_many(_context: RequestContext, opened: Store, keys: list[str]) -> Variant:
    try:
        opened.values.delete_many(keys)
    except StoreFailure as failure:
        return _other(failure)
    return ok()


@atomics.function("increment")
def _increment(_context: RequestContext, opened: Bucket, key: str, delta: int) -> Variant:
    try:
        return ok(opened.values.increment(key, delta))
    except (StoreFailure, NotANumberError) as failure:
        return _other(failure)


@atomics.function("[static]cas.new")
def _cas_new(context: RequestContext, opened: Bucket, key: str) -> Variant:
    return ok(context.own(CompareAndSwap(opened.values, key)))


@atomics.function("[method]cas.current")
def _cas_current(_context: RequestContext, cas: CompareAndSwap) -> Variant:
    try:
        return ok(option(cas.current()))
    except StoreFailure as failure:
        return _other(failure)


@atomics.function("swap")
def _swap(context: RequestContext, cas: CompareAndSwap, value: bytes) -> Variant:
    try:
        if cas.swap(value):
            return ok()
        return err(Variant("cas-failed", context.own(CompareAndSwap(cas.values, cas.key))))
    except StoreFailure as failure:
        return err(Variant("store-error", Variant("other", str(failure))))


INTERFACES: Final = (store, bucket, batch, atomics)
