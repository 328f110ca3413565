"""The cluster's state in its file: there when a client is told, whole after a kill, refused when it cannot be read."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud.state_file import Piece, StateFile, StateFileError
from local.kubernetes.api import Store, create_app
from local.kubernetes.api.store import Key, Object
from local.kubernetes.persistence import Persistence
from local.tests.kubernetes_api.conftest import spinapp

Open = Callable[[Store], Persistence]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens the one file for a store, as the next process would; what it wrote is there without a stop."""

    def make(store: Store) -> Persistence:
        persistence = Persistence(store, tmp_path / "cluster.db")
        persistence.load()
        return persistence

    return make


def config_map(name: str, value: str = "") -> tuple[Key, Object]:
    return Key("", "configmaps", "default", name), {"metadata": {"name": name, "uid": f"uid-{name}"}, "data": value}


def test_a_server_goes_on_where_the_killed_one_was(opened: Open, tmp_path: Path) -> None:
    first = create_app()
    before = opened(first.state.store)
    objects = first.state.objects
    apps = objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps")
    executors = objects.registry.find("core.spinkube.dev", "v1alpha1", "spinappexecutors")
    executor = {"kind": "SpinAppExecutor", "metadata": {"name": "containerd-shim-spin"}}
    objects.create(executors, "default", {**executor, "spec": {"createDeployment": True}})
    made = objects.create(apps, "default", spinapp("a"))
    asyncio.run(before.written())
    assert (tmp_path / "cluster.db").stat().st_mode & 0o077 == 0

    store = Store()
    opened(store)
    assert store.version == first.state.store.version
    second = create_app(store)
    assert second.state.objects.get(apps, "default", "a") == made
    assert len(store.select(("", "namespaces"))) == 3


def test_loading_under_a_running_server_serves_the_loaded_kinds(opened: Open, tmp_path: Path) -> None:
    full, bare = create_app(), create_app(crd_folder=tmp_path)
    asyncio.run(opened(full.state.store).written())
    assert bare.state.objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps") is None
    opened(bare.state.store)
    assert bare.state.objects.registry.find("core.spinkube.dev", "v1alpha1", "spinapps")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "remove", "write"])), max_size=30))
def test_the_file_is_what_the_store_was_at_the_last_writing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("state") / "cluster.db"
    store = Store(history=3)  # so short that it is sometimes forgotten
    persistence = Persistence(store, path)
    persistence.load()
    asyncio.run(persistence.written())
    kept = (store.version, dict(store.items()))
    for number, (name, step) in enumerate(steps):
        key, obj = config_map(name, str(number))
        if step == "put":
            store.put(key, obj)
        elif step == "remove" and store.get(key):
            store.remove(key)
        elif step == "write":
            asyncio.run(persistence.written())
            kept = (store.version, dict(store.items()))
    again = Store()
    Persistence(again, path).load()
    assert (again.version, dict(again.items())) == kept


def test_a_writing_that_fails_is_made_up_for(opened: Open) -> None:
    store = Store()
    persistence = opened(store)
    store.put(*config_map("a"))
    asyncio.run(persistence.written())
    key, obj = config_map("b")
    store.put(key, obj | {"bad": object()})
    with pytest.raises(TypeError):
        asyncio.run(persistence.written())
    store.put(key, obj)
    asyncio.run(persistence.written())
    again = Store()
    opened(again)
    assert dict(again.items()).keys() == {config_map("a")[0], key}


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 1000])
def test_a_file_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cluster.db"
    path.write_bytes(content)
    with pytest.raises(StateFileError, match=r"cluster\.db holds no state that can be read .*; choose another folder"):
        Persistence(Store(), path)
    assert path.read_bytes() == content


def test_pieces_are_written_all_or_none(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.db")
    file.write([(Piece("a", "", "1"), b"one")])

    def broken() -> Iterator[tuple[Piece, bytes | None]]:
        yield Piece("a", "", "1"), None
        yield Piece("a", "", "2"), b"two"
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        file.write(broken())
    assert StateFile(tmp_path / "state.db").read("a") == {Piece("a", "", "1"): b"one"}
