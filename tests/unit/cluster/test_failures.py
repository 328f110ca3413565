"""A cluster that is down, slow, overloaded or refuses us: an answer that says so, in time, and no half-made app."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from functions.api import cluster_errors
from functions.cluster import errors, transport
from functions.cluster.deadline import Deadline
from functions.cluster.eks import cluster_until
from functions.cluster.errors import ClusterError
from functions.cluster.names import ObjectName
from functions.cluster.resources import AUTOSCALERS, SERVICES, SPIN_APPS
from tests.unit.cluster.conftest import CLUSTER, IMAGE, REGION, Deploy, Eks
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

CLOSED = {
    "status": 403,
    "reason": "Forbidden",
    "message": 'spinapps.core.spinkube.dev "a" is forbidden: User "arn:aws:iam::1:role/deployer" cannot get resource '
    '"spinapps" in API group "core.spinkube.dev" in the namespace "kube-system"',
}
FIRST_CALL = {"verb": "get", "plural": "spinapps"}
WRITE = {"verb": "create", "plural": "spinapps"}


@pytest.mark.parametrize(
    ("call", "fault", "status", "words"),
    [
        (FIRST_CALL, {"status": 401, "reason": "Unauthorized"}, 502, "Tell the service's operator"),
        (FIRST_CALL, {"status": 403, "reason": "Forbidden"}, 502, "Tell the service's operator"),
        (WRITE, {"status": 403, "reason": "Forbidden"}, 502, "Tell the service's operator"),
        (FIRST_CALL, CLOSED, 403, "is not open to this service"),
        (WRITE, {"status": 400, "reason": "BadRequest"}, 422, "Could not create SpinApp 'my-function'"),
        (WRITE, {"status": 422, "reason": "Invalid"}, 422, "Could not create SpinApp 'my-function'"),
        (WRITE, {"status": 409, "reason": "Conflict"}, 409, "Send the request again"),
        (WRITE, {"status": 429, "reason": "TooManyRequests"}, 503, "Try again"),
        (FIRST_CALL, {"status": 429, "reason": "TooManyRequests", "headers": {"Retry-After": "9"}}, 503, "Try again"),
        (WRITE, {"status": 500, "reason": "InternalError"}, 502, "Could not create SpinApp"),
        (FIRST_CALL, {"status": 500, "reason": "InternalError"}, 502, "Could not read SpinApp"),
        (FIRST_CALL, {"status": 503, "reason": "ServiceUnavailable"}, 502, "Could not read SpinApp"),
        (FIRST_CALL, {"status": 200, "body": b"<html>a proxy</html>"}, 502, "not a Kubernetes object"),
        (FIRST_CALL, {"status": 502, "body": b"<html>a proxy</html>"}, 502, "HTTP 502"),
        (FIRST_CALL, {"status": 404, "reason": "NotFound"}, 502, "Is SpinKube installed"),
        (FIRST_CALL, {"cut": "before"}, 502, "connection to the Kubernetes API broke"),
        (WRITE, {"cut": "before"}, 502, "connection to the Kubernetes API broke"),
    ],
)
def test_refusals_and_failures_that_last(
    deploy: Deploy,
    server: KubernetesServer,
    kubectl: Administrator,
    call: dict[str, str],
    fault: dict[str, Any],
    status: int,
    words: str,
) -> None:
    server.fail(**call, **fault, times=9999)
    # A conflict is tried again as long as there is time.
    answer = deploy(app_name="my-function", seconds=3.0 if status == 409 else 29.0)
    assert answer.status == status
    assert words in answer.detail
    assert "arn:aws" not in answer.text
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert kubectl.list(SPIN_APPS) == []
    assert kubectl.list(AUTOSCALERS) == []


def test_retry_after_is_handed_on(deploy: Deploy, server: KubernetesServer) -> None:
    server.fail(**FIRST_CALL, status=429, headers={"Retry-After": "9"})
    assert deploy(app_name="my-function").headers["Retry-After"] == "9"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503},
        {"cut": "before"},
        {"cut": "after"},
        {"status": 200, "body": b"not json"},
    ],
)
@pytest.mark.parametrize("plural", ["spinapps", "deployments", "services"])
def test_a_read_that_fails_once_is_made_again(
    deploy: Deploy, server: KubernetesServer, plural: str, fault: dict[str, Any]
) -> None:
    server.fail(verb="get", plural=plural, **fault)
    assert deploy(app_name="my-function").status == 200


def test_a_token_that_is_not_taken_any_more_is_renewed_once(deploy: Deploy, server: KubernetesServer) -> None:
    deploy(app_name="my-function")
    server.fail(**FIRST_CALL, status=401, reason="Unauthorized")
    before = len(server.tokens)
    assert deploy(app_name="my-function").status == 200
    assert len(server.tokens) > before


@pytest.mark.parametrize("call", [FIRST_CALL, WRITE])
def test_a_slow_cluster_is_a_timeout_that_names_the_step(
    deploy: Deploy, server: KubernetesServer, call: dict[str, str]
) -> None:
    server.fail(**call, delay=1.5)
    answer = deploy(app_name="my-function", seconds=1.0)
    assert answer.status == 504
    assert "SpinApp 'my-function'" in answer.detail
    assert "check the app before you repeat the request" in answer.detail


@pytest.mark.parametrize("path", ["", "/my-function", "/my-function/revisions"])
def test_a_slow_cluster_and_a_read(deploy: Deploy, call: Deploy, server: KubernetesServer, path: str) -> None:
    """Nothing was to be changed, so nothing may have been."""
    deploy(app_name="my-function")
    server.fail(plural="spinapps", delay=1.5)
    answer = call("GET", path, seconds=1.0)
    assert (answer.status, "change" in answer.detail) == (504, False)


@pytest.mark.parametrize(
    "why",
    [
        'Post "https://webhook.spin-operator.svc:443/mutate?timeout=10s": dial tcp: connect: connection refused',
        'Post "https://webhook.spin-operator.svc:443/mutate?timeout=10s": context deadline exceeded',
    ],
)
def test_an_operator_that_is_down(deploy: Deploy, server: KubernetesServer, why: str) -> None:
    message = f'Internal error occurred: failed calling webhook "mspinapp.kb.io": failed to call webhook: {why}'
    server.fail(verb="create", plural="spinapps", status=500, reason="InternalError", message=message, times=99)
    answer = deploy(app_name="my-function")
    assert (answer.status, "Nothing was changed" in answer.detail) == (503, True)
    assert int(answer.headers["Retry-After"]) > 0
    assert sum((call.verb, call.plural) == ("create", "spinapps") for call in server.calls) == 1


def test_a_call_is_waited_for_longer_than_an_admission_webhook() -> None:
    """SpinKube's webhooks have ten seconds; after that the API server says that nothing was written."""
    assert transport.CALL_SECONDS > 10


@pytest.mark.parametrize("code", [410, 500])
def test_an_error_in_a_watch_is_an_error(deploy: Deploy, server: KubernetesServer, code: int) -> None:
    server.operator_runs = False
    status = {"kind": "Status", "code": code, "message": "etcdserver: no leader"}
    event = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
    server.fail(verb="watch", plural="services", status=200, body=event)
    answer = deploy(app_name="my-function")
    assert (answer.status, answer.body["service_status"]) == (200, "pending")
    cluster = cluster_until(Deadline.after(3), CLUSTER, REGION)
    server.fail(verb="watch", plural="services", status=200, body=event)
    with pytest.raises(ClusterError, match="no leader"):
        list(cluster.watch(SERVICES, ObjectName(answer.body["namespace"], "my-function")))


def test_no_time_at_all(deploy: Deploy, server: KubernetesServer) -> None:
    answer = deploy(seconds=0.0)
    assert answer.status == 504
    assert server.calls == []


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def dripping_port() -> Iterator[int]:
    """A port that answers what is no TLS, byte by byte."""
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        listener.settimeout(0.1)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.usefixtures("cold_start")
def test_a_cluster_that_is_down(deploy: Deploy, eks: Eks) -> None:
    eks.clusters[CLUSTER]["endpoint"] = f"https://127.0.0.1:{closed_port()}"
    answer = deploy(app_name="my-function")
    assert answer.status == 503
    assert "no connection to the Kubernetes API" in answer.detail
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("cold_start")
def test_a_cluster_that_says_nothing(deploy: Deploy, eks: Eks, silent_port: int) -> None:
    eks.clusters[CLUSTER]["endpoint"] = f"https://127.0.0.1:{silent_port}"
    assert deploy(app_name="my-function", seconds=1.0).status in (503, 504)


@pytest.mark.usefixtures("cold_start")
def test_something_else_at_the_clusters_address(deploy: Deploy, eks: Eks, dripping_port: int) -> None:
    eks.clusters[CLUSTER]["endpoint"] = f"https://127.0.0.1:{dripping_port}"
    answer = deploy(app_name="my-function", seconds=3.0)
    assert answer.status == 503
    assert "certificate" in answer.detail


@pytest.mark.usefixtures("cold_start")
def test_a_cluster_that_comes_back_under_another_address_is_found_again(
    deploy: Deploy, eks: Eks, server: KubernetesServer
) -> None:
    eks.clusters[CLUSTER]["endpoint"] = f"https://127.0.0.1:{closed_port()}"
    assert deploy(app_name="my-function").status == 503
    eks.clusters[CLUSTER]["endpoint"] = server.endpoint
    assert deploy(app_name="my-function", image_ref=IMAGE).status == 200


def test_every_kind_of_error_has_an_answer() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    answered = tuple(kind for kind, _, _ in cluster_errors._ANSWERS)
    # The base of refusals is never raised itself; an incomplete deploy is answered by its reason.
    assert {kind for kind in kinds if not issubclass(kind, answered)} == {errors.RefusedError}
