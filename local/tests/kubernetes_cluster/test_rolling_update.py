"""Updates while clients are calling: no request is lost, and all end on the new version."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from local.kubernetes.machinery.resources import REPLICA_SETS
from local.tests.kubernetes_cluster.world import World, eventually, image


class Load:
    """Clients that call an app without a pause, and what they got."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, status: int, text: str) -> None:
        with self._lock:
            self.answers[status, text] += 1

    def lost(self) -> dict[tuple[int, str], int]:
        return {answer: count for answer, count in self.answers.items() if answer[0] != 200}


@contextmanager
def load(world: World, name: str, paths: tuple[tuple[str, str], ...]) -> Iterator[Load]:
    """Run one client per (method, path)."""
    found, stop = Load(), threading.Event()

    def run(method: str, path: str) -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                headers = {"Host": f"{name}.default.svc.cluster.local"}
                try:
                    response = client.request(
                        method, f"{world.router_url}{path}", headers=headers, content=b"x" if method == "POST" else None
                    )
                    found.note(response.status_code, response.text)
                except httpx.HTTPError as error:
                    found.note(0, type(error).__name__)
                stop.wait(0.005)

    threads = [threading.Thread(target=run, args=entry) for entry in paths]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_update_under_load_loses_no_request(world: World) -> None:
    world.app("busy", "v1", replicas=2)
    world.answers("busy", "one")
    world.rolled_out("busy")
    clients = (("GET", "/"), ("GET", "/"), ("POST", "/reply"), ("GET", "/slow"))
    with load(world, "busy", clients) as found:
        eventually(lambda: found.answers[200, "one"] > 20, "the clients are calling")
        world.change("busy", image=image("v2"))
        world.rolled_out("busy")
        eventually(lambda: len(world.pods("busy")) == 2, "the old pods are gone")
        before = found.answers[200, "one"]
        eventually(lambda: found.answers[200, "two"] > 20, "the new pods answer")
        world.change("busy", replicas=1)
        eventually(lambda: len(world.pods("busy")) == 1, "one pod is gone")
    assert found.lost() == {}
    assert found.answers[200, "one"] == before, "an old pod answered after the rollout"
    assert found.answers[200, "x"] > 0
    world.discard("busy")


def test_a_rollback_under_load_loses_no_request_and_runs_the_old_replica_set_again(world: World) -> None:
    world.app("back", "v1")
    world.answers("back", "one")
    world.change("back", image=image("v2"))
    world.answers("back", "two")
    assert world.rolled_out("back")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"

    with load(world, "back", (("GET", "/"), ("POST", "/reply"), ("GET", "/slow"))) as found:
        eventually(lambda: found.answers[200, "two"] > 20, "the clients are calling")
        world.change("back", image=image("v1"))
        world.rolled_out("back")
        eventually(lambda: found.answers[200, "one"] > 20, "the old version answers again")
    assert found.lost() == {}

    assert world.rolled_out("back")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    label = "core.spinkube.dev/app-name=back"
    assert len(world.api.list(REPLICA_SETS, "default", labelSelector=label)["items"]) == 2
    world.discard("back")
