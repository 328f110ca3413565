"""What controllers stand on: the API in this process and the one over HTTP are the same to them; the work queue."""

import time
from collections.abc import Callable, Iterator

import pytest

from local.kubernetes.api import ApiError, ServerThread, create_app
from local.kubernetes.machinery.api import Api, Informer
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.http_api import ApiAccess, HttpApi
from local.kubernetes.machinery.resources import CONFIG_MAPS, EVENTS, NAMESPACES, Json
from local.kubernetes.machinery.store_api import StoreApi

Changes = list[tuple[str | None, str | None]]


@pytest.fixture(params=["store", "http"])
def started(request: pytest.FixtureRequest) -> Iterator[tuple[Api, Callable[[], None]]]:
    """An API of each kind, and what starts its informers."""
    app = create_app()
    if request.param == "store":
        yield StoreApi(app.state.objects), lambda: None
        return
    with ServerThread(app) as server:
        http = HttpApi(ApiAccess(server.url))
        yield http, lambda: http.start_informers(30)
        http.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def config_map(name: str, value: str) -> Json:
    return {"metadata": {"name": name}, "data": {"v": value}}


def follow(informer: Informer, name: str) -> Changes:
    """The values of an object before and after each of its changes, as they come."""
    seen: Changes = []

    def note(before: Json | None, after: Json | None) -> None:
        if (before or after or {})["metadata"]["name"] == name:
            seen.append((before["data"]["v"] if before else None, after["data"]["v"] if after else None))

    informer.add_handler(note)
    return seen


def test_an_informer_tells_every_change_and_knows_what_is_there(started: tuple[Api, Callable[[], None]]) -> None:
    api, start = started
    informer = api.informer(CONFIG_MAPS)
    api.create(CONFIG_MAPS, "default", config_map("c", "1"))
    seen = follow(informer, "c")
    start()
    eventually(lambda: seen == [(None, "1")])
    api.patch(CONFIG_MAPS, "default", "c", {"data": {"v": "2"}})
    eventually(lambda: len(seen) == 2)
    api.create(NAMESPACES, None, {"metadata": {"name": "other"}})
    api.create(CONFIG_MAPS, "other", config_map("c2", "1"))
    eventually(lambda: informer.get("other", "c2") is not None)
    assert [obj["metadata"]["name"] for obj in informer.items("default") if "v" in obj["data"]] == ["c"]
    assert len(informer.items()) > len(informer.items("other"))
    assert {obj["kind"] for obj in informer.items()} == {"ConfigMap"}
    api.delete(CONFIG_MAPS, "default", "c")
    api.create(CONFIG_MAPS, "default", config_map("c", "3"))
    eventually(lambda: len(seen) == 4)
    assert seen == [(None, "1"), ("1", "2"), ("2", None), (None, "3")]


def test_a_handler_that_fails_stops_nobody(started: tuple[Api, Callable[[], None]]) -> None:
    api, start = started
    informer = api.informer(CONFIG_MAPS)

    def fail(_before: Json | None, _after: Json | None) -> None:
        raise RuntimeError("told to fail")

    informer.add_handler(fail)
    seen = follow(informer, "c")
    start()
    api.create(CONFIG_MAPS, "default", config_map("c", "1"))
    eventually(lambda: seen == [(None, "1")])


def test_refusals_are_the_servers(started: tuple[Api, Callable[[], None]]) -> None:
    api, _ = started
    made = api.create(CONFIG_MAPS, "default", config_map("c", "1"))
    refused: list[tuple[int, Callable[[], object]]] = [
        (404, lambda: api.get(CONFIG_MAPS, "default", "none")),
        (409, lambda: api.create(CONFIG_MAPS, "default", config_map("c", "2"))),
        (409, lambda: api.delete(CONFIG_MAPS, "default", "c", uid="another")),
        (422, lambda: api.create(CONFIG_MAPS, "default", {"metadata": {"name": "Not_A_Name"}})),
        (404, lambda: api.bind("default", "none", "node")),
    ]
    for code, call in refused:
        with pytest.raises(ApiError) as caught:
            call()
        assert (caught.value.code, bool(caught.value.message)) == (code, True)
    applied = api.apply(CONFIG_MAPS, "default", config_map("c", "4"), "tests")
    assert (applied["metadata"]["uid"], applied["data"]) == (made["metadata"]["uid"], {"v": "4"})


def test_an_event_that_comes_again_is_counted(started: tuple[Api, Callable[[], None]]) -> None:
    api, start = started
    events = api.informer(EVENTS)
    about = api.create(CONFIG_MAPS, "default", config_map("c", "1"))
    recorder = EventRecorder(api, "tests")
    for message in ("a", "b", "a"):
        recorder.event(about, "Normal", "Told", message)
    start()
    eventually(lambda: sorted((e["message"], e["count"]) for e in events.items()) == [("a", 2), ("b", 1)])
    recorder.event({**about, "metadata": {**about["metadata"], "namespace": "none"}}, "Normal", "Dropped", "a")


class Noting(Controller):
    """Fails the first time, and asks to come back once."""

    def __init__(self, api: Api, queue: WorkQueue) -> None:
        super().__init__(api, queue, EventRecorder(api, "tests"))
        self.seen: list[str] = []

    def reconcile(self, _namespace: str, name: str) -> float | None:
        self.seen.append(name)
        if name == "fails" and self.seen.count(name) == 1:
            raise ApiError(500, "InternalError", "told to fail")
        return 0.0 if name == "again" and self.seen.count(name) == 1 else None


def test_work_is_done_once_again_after_a_failure_and_again_when_asked() -> None:
    queue = WorkQueue()
    controller = Noting(StoreApi(create_app().state.objects), queue)
    controller.enqueue(("", "later"), 3600)
    for name in ("twice", "twice", "fails", "again", "later"):
        controller.enqueue(("", name))  # "later" is wanted earlier now
    queue.start()
    eventually(lambda: len(controller.seen) == 6)
    queue.stop()
    assert sorted(controller.seen) == ["again", "again", "fails", "fails", "later", "twice"]
