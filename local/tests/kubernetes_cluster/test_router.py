"""The router's manners: names, and when a request may be sent again. Endpoints here are plain sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.machinery.resources import ENDPOINT_SLICES, SERVICES
from local.kubernetes.service_endpoints import ServiceTable, Targets, addresses_of, parse_service_host
from local.tests.kubernetes_cluster.world import World, eventually

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def endpoint(answers_per_connection: int) -> Iterator[tuple[int, list[bytes]]]:
    """A server that closes each connection after so many answers; yields its port and the requests it read."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_one(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            for _ in range(answers_per_connection):
                if not (request := read_request(connection)):
                    return
                seen.append(request)
                connection.sendall(ANSWER)
            if request := read_request(connection):
                seen.append(request)  # read, but not answered: the connection closes

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve_one, args=(listener.accept()[0],)))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    yield listener.getsockname()[1], seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    threads[0].join()


def read_request(connection: socket.socket) -> bytes:
    """One request with its body; empty when the caller has closed."""
    data = b""
    while b"\r\n\r\n" not in data or (b"POST" in data and not data.endswith(b"\r\n\r\nx")):
        if not (more := connection.recv(65536)):
            return b""
        data += more
    return data


@contextmanager
def service(world: World, name: str, *ports: int) -> Iterator[None]:
    """A Service without a selector, with slices of our own."""
    world.api.create(SERVICES, "default", {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
    for port in ports:
        body = {
            "metadata": {"name": f"{name}-{port}", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        }
        world.api.create(ENDPOINT_SLICES, "default", body)
    eventually(lambda: world.call(name).status_code not in (404, 503 if ports else 404), f"the router knows {name}")
    yield
    world.api.delete(SERVICES, "default", name)
    for port in ports:
        world.api.delete(ENDPOINT_SLICES, "default", f"{name}-{port}")


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_refused_connection_goes_to_another_endpoint_whatever_the_method(world: World) -> None:
    with endpoint(1000) as (port, seen), service(world, "half", closed_port(), port):
        answers = [world.call("half", method="POST", content=b"x").status_code for _ in range(6)]
        assert answers == [200] * 6
        assert sum(request.startswith(b"POST") for request in seen) == 6


def test_only_repeatable_requests_are_sent_again_on_a_broken_connection(world: World) -> None:
    with endpoint(1) as (port, seen), service(world, "fickle", port):
        # Every second request on a kept connection is read and then dropped without an answer.
        assert [world.call("fickle").status_code for _ in range(4)] == [200] * 4
        posts = [world.call("fickle", method="POST", content=b"x").status_code for _ in range(4)]
        assert 502 in posts
        assert sum(request.startswith(b"POST") for request in seen) == 4, "a POST was sent twice"


def test_a_service_without_endpoints_is_unavailable(world: World) -> None:
    with service(world, "shut"):
        response = world.call("shut")
        assert response.status_code == 503
        assert 'Service "shut" in namespace "default" has no pod that is ready' in response.text


def test_a_service_is_known_before_the_watch_tells_of_it(world: World) -> None:
    table = ServiceTable(world.access)  # follows nothing yet: the watch at its slowest
    with service(world, "just-made"):
        assert table.exists(("default", "just-made"))
    assert not table.exists(("default", "just-made"))


def test_unknown_names_are_told_apart(world: World) -> None:
    response = world.call("nobody")
    assert (response.status_code, response.text) == (404, 'there is no Service "nobody" in namespace "default"\n')
    response = httpx.get(world.router_url, headers={"Host": "just-a-host"})
    assert response.status_code == 404
    assert "SERVICE.NAMESPACE.svc.cluster.local" in response.text


@pytest.mark.parametrize(
    "host",
    ["app.ns", "app.ns.svc", "app.ns.svc.cluster.local", "APP.ns.svc.cluster.local.", "app.ns.svc.cluster.local:8000"],
)
def test_hosts_that_name_a_service(host: str) -> None:
    assert parse_service_host(host) == ("ns", "app")


@pytest.mark.parametrize(
    "host", ["", "app", "localhost:8000", "127.0.0.1:8000", "a.b.c", "a.b.svc.example.com", "-a.b", "a..svc", "a_b.c"]
)
def test_hosts_that_name_none(host: str) -> None:
    assert parse_service_host(host) is None


@given(st.text(max_size=300))
def test_any_host_header_is_survived(host: str) -> None:
    found = parse_service_host(host)
    assert found is None or all(0 < len(part) <= 63 for part in found)


def test_addresses_take_turns() -> None:
    targets = Targets((("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3)))
    assert [targets.in_order()[0][1] for _ in range(6)] == [1, 2, 3, 1, 2, 3]
    assert {port for _, port in targets.in_order()} == {1, 2, 3}


def test_pods_on_their_way_out_serve_only_when_there_is_no_other() -> None:
    def entry(port: int, **conditions: bool) -> dict[str, object]:
        return {"ports": [{"port": port}], "endpoints": [{"addresses": ["127.0.0.1"], "conditions": conditions}]}

    ending = entry(1, ready=False, serving=True, terminating=True)
    broken = entry(2, ready=False, serving=False, terminating=False)
    ready = entry(3, ready=True, serving=True, terminating=False)
    assert addresses_of([ending, broken, ready]) == (("127.0.0.1", 3),)
    assert addresses_of([ending, broken]) == (("127.0.0.1", 1),)
    assert addresses_of([broken]) == ()
