"""The router's manners: names, and when a request may be sent again. Endpoints here are plain sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.host_routes import HostRoutes
from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.resources import HTTP_ROUTES, INGRESSES, PODS, SERVICES, Json, Resource
from local.kubernetes.ports import LISTENING_ANNOTATION, listening_value
from local.kubernetes.service_endpoints import ServiceTable, addresses_of, parse_service_host
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


def pod(name: str, port: int, *, ready: bool = True, ending: bool = False, **container: Any) -> Json:
    """A pod of the Service of its name, as its kubelet reports it."""
    metadata = {
        "name": f"{name}-{port}",
        "labels": {"app": name},
        "annotations": {LISTENING_ANNOTATION: listening_value({"http": port})},
        **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if ending else {}),
    }
    container |= {"name": "c", "image": "i:1", "ports": [{"name": "http", "containerPort": 80}]}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "metadata": metadata,
        "spec": {"nodeName": "elsewhere", "containers": [container]},
        "status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": conditions},
    }


def selecting(name: str, **spec: Any) -> Json:
    ports = [{"port": 80, "targetPort": "http"}]
    return {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": ports, **spec}}


@contextmanager
def service(world: World, name: str, *ports: int, **container: Any) -> Iterator[None]:
    """A Service, and pods of it on a node that nobody runs."""
    world.api.create(SERVICES, "default", selecting(name))
    for port in ports:
        body = pod(name, port, **container)
        world.api.create(PODS, "default", body)
        world.api.patch(PODS, "default", f"{name}-{port}", {"status": body["status"]}, "status")
    eventually(lambda: world.call(name).status_code not in (404, 503 if ports else 404), f"the router knows {name}")
    yield
    world.api.delete(SERVICES, "default", name)
    for port in ports:
        world.api.delete(PODS, "default", f"{name}-{port}", grace_seconds=0)


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


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_requests_of_functions_that_measure_are_told(world: World, variable: str) -> None:
    name = variable.lower().replace("_", "-")
    env = [{"name": variable, "value": "http://collector"}]
    with endpoint(1000) as (port, seen), service(world, name, port, env=env):
        assert world.call(name, "/.well-known/spin/health").status_code == 200
        assert world.call(name).status_code == 200
        # Told when the answer has been sent. How often the service was called until it was known, `seen` alone knows.
        asked = [request for request in seen if b"/.well-known/spin/" not in request]
        told = eventually(lambda: len(told_of(world, name)) == len(asked) and told_of(world, name), "all are told")
        assert {(service, status) for service, status, _ in told} == {(("default", name), 200)}
        assert all(seconds > 0 for _, _, seconds in told)


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTHER"])
def test_requests_of_other_functions_are_not_told(world: World, name: str) -> None:
    quiet = name.lower().replace("_", "-")
    with endpoint(1000) as (port, _), service(world, quiet, port, env=[{"name": name, "value": "http://collector"}]):
        assert world.call(quiet).status_code == 200
    assert told_of(world, quiet) == []


def told_of(world: World, name: str) -> list[tuple[Key, int, float]]:
    return [told for told in world.counted if told[0][1] == name]


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


def ingress(host: str, service: str) -> Json:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    return {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}


def http_route(host: str, service: str) -> Json:
    return {"hostnames": [host], "rules": [{"backendRefs": [{"name": service, "port": 80}]}]}


@pytest.mark.parametrize(("kind", "spec"), [(INGRESSES, ingress), (HTTP_ROUTES, http_route)])
def test_a_route_leads_its_host_to_a_service(world: World, kind: Resource, spec: Callable[[str, str], Json]) -> None:
    def status(host: str) -> int:
        return httpx.get(world.router_url, headers={"Host": host}).status_code

    with endpoint(100) as (port, _), service(world, "exposed", port):
        world.api.create(kind, "default", {"metadata": {"name": "exposed"}, "spec": spec("one.example", "exposed")})
        eventually(lambda: status("one.example") == 200, "the host leads to the Service")
        assert (status("ONE.example:8000"), status("two.example")) == (200, 404)
        world.api.patch(kind, "default", "exposed", {"spec": spec("two.example", "exposed")})
        eventually(lambda: status("two.example") == 200, "the new host does")
        assert status("one.example") == 404
        world.api.delete(kind, "default", "exposed")
        eventually(lambda: status("two.example") == 404, "no host does")


def test_of_two_routes_with_one_host_the_older_leads() -> None:
    def made(at: str, namespace: str) -> Json:
        meta = {"name": "a", "namespace": namespace, "creationTimestamp": at}
        return {"kind": "Ingress", "metadata": meta, "spec": ingress("one.example", f"of-{namespace}")}

    class Informer:
        def __init__(self, *routes: Json) -> None:
            self.items = lambda: list(routes)

    early, late = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
    for order in (1, -1):
        routes = HostRoutes.__new__(HostRoutes)
        both = [made(late, "a"), made(early, "b")][::order]
        routes._routes = [Informer(*both)]  # type: ignore[list-item]
        assert routes.service_of("one.example") == ("b", "of-b")


@pytest.mark.parametrize(
    "host",
    [
        *("app.ns", "app.ns.svc", "app.ns.svc.cluster.local", "APP.ns.svc.cluster.local."),
        *("app.ns.svc.cluster.local:8000", "app.ns.svc.localhost:8000"),
    ],
)
def test_hosts_that_name_a_service(host: str) -> None:
    assert parse_service_host(host) == ("ns", "app")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "app",
        "localhost:8000",
        "127.0.0.1:8000",
        "a.b.c",
        "a.b.svc.example.com",
        "a.b.localhost",
        "-a.b",
        "a..svc",
        "a_b.c",
    ],
)
def test_hosts_that_name_none(host: str) -> None:
    assert parse_service_host(host) is None


@given(st.text(max_size=300))
def test_any_host_header_is_survived(host: str) -> None:
    found = parse_service_host(host)
    assert found is None or all(0 < len(part) <= 63 for part in found)


def test_pods_take_turns(world: World) -> None:
    with endpoint(1000) as (one, seen), endpoint(1000) as (two, also), service(world, "turns", one, two):
        before = len(seen), len(also)
        assert [world.call("turns").status_code for _ in range(6)] == [200] * 6
        assert (len(seen) - before[0], len(also) - before[1]) == (3, 3)


def test_pods_on_their_way_out_serve_only_when_there_is_no_other() -> None:
    ending, broken, ready = pod("s", 1, ending=True), pod("s", 2, ready=False), pod("s", 3)
    assert addresses_of(selecting("s"), [ending, broken, ready, pod("other", 4)]) == (("127.0.0.1", 3),)
    assert addresses_of(selecting("s"), [ending, broken]) == (("127.0.0.1", 1),)
    assert addresses_of(selecting("s"), [broken]) == ()


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ({"ports": [{"port": 80, "targetPort": "http"}]}, ("127.0.0.1", 7)),
        ({"ports": [{"port": 80}]}, ("127.0.0.1", 7)),
        ({"ports": [{"port": 8080, "targetPort": 80}]}, ("127.0.0.1", 7)),
        ({"ports": [{"port": 80, "targetPort": "grpc"}]}, None),
        ({"ports": []}, None),
        ({"selector": {}}, None),
    ],
)
def test_the_port_of_a_service_is_where_the_pod_listens(spec: Json, address: tuple[str, int] | None) -> None:
    assert addresses_of(selecting("s", **spec), [pod("s", 7)]) == ((address,) if address else ())
