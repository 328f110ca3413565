"""The store: history, use from threads."""

import threading

import pytest

from local.kubernetes.api import Store, create_app
from local.kubernetes.api.store import ForgottenError, Key, Object


def config_map(name: str) -> tuple[Key, Object]:
    return Key("", "configmaps", "default", name), {"metadata": {"name": name, "uid": f"uid-{name}"}}


def test_history_is_kept_up_to_its_length() -> None:
    store = Store(history=3)
    start = store.version
    for name in "abc":
        store.put(*config_map(name))
    assert [event.obj["metadata"]["name"] for event in store.events_after(start)] == ["a", "b", "c"]
    store.put(*config_map("d"))
    with pytest.raises(ForgottenError, match="too old resource version"):
        store.events_after(start)
    assert len(store.events_after(store.oldest_version)) == 3


def test_stored_objects_are_never_changed_in_place() -> None:
    store = Store()
    key, obj = config_map("a")
    first = store.put(key, obj)
    second = store.put(key, first | {"data": {"x": "1"}})
    assert "resourceVersion" not in obj["metadata"]
    assert "data" not in first
    assert int(second["metadata"]["resourceVersion"]) == int(first["metadata"]["resourceVersion"]) + 1


def test_writes_from_threads_each_get_a_version_of_their_own() -> None:
    app = create_app()
    objects, store = app.state.objects, app.state.store
    kind = objects.registry.by_key(("", "configmaps"))
    start = store.version

    def write(prefix: str) -> None:
        for index in range(20):
            objects.create(kind, "default", {"metadata": {"name": f"{prefix}-{index}"}})

    threads = [threading.Thread(target=write, args=(prefix,)) for prefix in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [event.version for event in store.events_after(start)]
    assert versions == list(range(start + 1, start + 81))
