"""The store: snapshots, history, use from threads."""

import json
import threading
from pathlib import Path

import pytest

from local.kubernetes.api import ServerThread, Store, create_app
from local.kubernetes.api.store import ForgottenError, Key, Object
from local.tests.kubernetes_api.conftest import spinapp


def config_map(name: str) -> tuple[Key, Object]:
    return Key("", "configmaps", "default", name), {"metadata": {"name": name, "uid": f"uid-{name}"}}


def test_a_server_goes_on_from_a_snapshot(tmp_path: Path) -> None:
    first = create_app()
    objects = first.state.objects
    apps = objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps")
    executors = objects.registry.find("core.spinkube.dev", "v1alpha1", "spinappexecutors")
    executor = {"kind": "SpinAppExecutor", "metadata": {"name": "containerd-shim-spin"}}
    objects.create(executors, "default", {**executor, "spec": {"createDeployment": True}})
    made = objects.create(apps, "default", spinapp("a"))
    first.state.store.dump(tmp_path / "state.json")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0

    store = Store()
    store.load(tmp_path / "state.json")
    assert store.version == first.state.store.version
    second = create_app(store)
    assert second.state.objects.get(apps, "default", "a") == made
    assert len(store.select(("", "namespaces"))) == 3
    with ServerThread(second) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_loading_under_a_running_server_serves_the_loaded_kinds(tmp_path: Path) -> None:
    full, bare = create_app(), create_app(crd_folder=tmp_path)
    full.state.store.dump(tmp_path / "state.json")
    assert bare.state.objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps") is None
    bare.state.store.load(tmp_path / "state.json")
    assert bare.state.objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "resourceVersion": "x"}'])
def test_what_is_no_snapshot_is_refused_and_changes_nothing(tmp_path: Path, text: str) -> None:
    store = Store()
    store.put(*config_map("a"))
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no snapshot"):
        store.load(path)
    assert store.get(config_map("a")[0])


def test_a_failed_dump_keeps_the_old_snapshot(tmp_path: Path) -> None:
    store = Store()
    store.put(*config_map("a"))
    path = tmp_path / "state.json"
    store.dump(path)
    before = json.loads(path.read_text())
    key, obj = config_map("b")
    store.put(key, obj | {"bad": object()})
    with pytest.raises(TypeError):
        store.dump(path)
    assert json.loads(path.read_text()) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


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
