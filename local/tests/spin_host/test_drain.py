"""Rolling updates: SIGTERM loses no request."""

import socket
import threading
import time
from pathlib import Path

import httpx

from local.tests.spin_host.pods import Serve


def test_every_request_is_answered_when_a_pod_ends_under_load(sample: Path, serve: Serve) -> None:
    """As behind the router: callers keep connections, turn to the next pod once this one is out of the endpoints, and
    repeat a request only when no connection could be made."""
    old, new = serve(sample), serve(sample)
    endpoints = [old.url]
    answers: list[int] = []
    refused: list[str] = []
    stop = threading.Event()

    def call() -> None:
        with httpx.Client(timeout=20) as client:
            while not stop.is_set():
                try:
                    answers.append(client.get(f"{endpoints[0]}/sleep?seconds=0.02").status_code)
                except httpx.ConnectError:
                    refused.append(endpoints[0])

    def wait_for_more(count: int) -> None:
        wanted = len(answers) + count
        while len(answers) < wanted:
            assert any(caller.is_alive() for caller in callers), "every caller has failed"
            time.sleep(0.01)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    wait_for_more(12)
    old.terminate()
    time.sleep(0.2)  # the endpoint is removed a moment after the signal
    endpoints[0] = new.url
    assert old.wait() == 0
    wait_for_more(12)
    stop.set()
    for caller in callers:
        caller.join()
    assert set(answers) == {200}
    assert set(refused) <= {old.url}


def test_a_long_request_is_finished_and_its_connection_closed(sample: Path, serve: Serve) -> None:
    pod = serve(sample)
    responses: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: responses.append(pod.get("/sleep", seconds="1.5")))
    caller.start()
    time.sleep(0.4)
    pod.terminate()
    time.sleep(0.3)
    late = httpx.get(f"{pod.url}/hello")
    assert (late.status_code, late.headers["connection"]) == (200, "close")
    caller.join()
    assert (responses[0].text, responses[0].headers["connection"]) == ("slept", "close")
    assert pod.wait() == 0


def test_an_idle_kept_connection_does_not_hold_up_the_end(sample: Path, serve: Serve) -> None:
    pod = serve(sample)
    assert pod.get("/hello").status_code == 200
    pod.terminate()
    assert pod.wait() == 0
    port = int(pod.url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_grace_time_ends_what_does_not_end(sample: Path, serve: Serve) -> None:
    pod = serve(sample, "--grace", "0.5")
    caller = threading.Thread(target=_ignore_cut, args=(f"{pod.url}/sleep?seconds=20",))
    caller.start()
    time.sleep(0.4)
    pod.terminate()
    assert pod.wait() == 1
    assert any("grace time is over" in line for line in pod.errors)
    caller.join()


def _ignore_cut(url: str) -> None:
    try:
        httpx.get(url, timeout=30)
    except httpx.HTTPError:
        return
