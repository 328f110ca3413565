"""GET /api/v1/apps/{namespace}/{app_name}/metrics."""

import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config

from functions import aws
from functions.aws import clients
from functions.cluster.resources import DEPLOYMENTS, PODS
from functions.cluster.traffic import Period
from functions.contracts.function_metrics import CALLS, DURATION, METRIC_NAMESPACE, MeasuredApp, status_class
from tests.unit.cluster.cloudwatch import CloudWatch
from tests.unit.cluster.conftest import CLUSTER, REGION, Answer, Deploy
from tests.unit.cluster.kubernetes_server import Administrator

NAME = "my-function"
COLLECTOR = "http://collector.blue-faas-metrics.svc.cluster.local:4318"
_LONG_AGO = 2 * 24 * 3600


@pytest.fixture(scope="module")
def server_of_metrics() -> Iterator[CloudWatch]:
    server = CloudWatch()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def cloudwatch(
    server_of_metrics: CloudWatch, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudWatch]:
    """CloudWatch, put back afterwards."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", server_of_metrics.url)
    yield server_of_metrics
    server_of_metrics.fails = None
    server_of_metrics.asked = 0


@pytest.fixture(autouse=True)
def app(deploy: Deploy) -> None:
    """An app that is deployed."""
    deploy(app_name=NAME)


@pytest.fixture
def measured(kubectl: Administrator) -> MeasuredApp:
    """The app, whose pods send their spans."""
    set_variable(kubectl, "OTEL_EXPORTER_OTLP_ENDPOINT", COLLECTOR)
    return MeasuredApp(CLUSTER, kubectl.namespace, NAME)


def set_variable(kubectl: Administrator, name: str, value: str) -> None:
    """Give the app's pods a variable, as the operator does for an executor that measures."""
    (container,) = kubectl.get(DEPLOYMENTS, NAME)["spec"]["template"]["spec"]["containers"]
    containers = [{**container, "env": [*container["env"], {"name": name, "value": value}]}]
    kubectl.patch(DEPLOYMENTS, NAME, {"spec": {"template": {"spec": {"containers": containers}}}})


def period_of(ago: float) -> float:
    """Begin of the five minutes that so many seconds lead back to."""
    return (time.time() - ago) // Period.FIVE_MINUTES * Period.FIVE_MINUTES


def put(app: MeasuredApp, status: int, durations: Mapping[float, int], *, at: float | None = None) -> None:
    """Send what a collector sends of requests: how many took how many milliseconds."""
    at = period_of(0) if at is None else at
    duration = {
        "MetricName": DURATION,
        "Dimensions": dimensions(app.dimensions()),
        "Values": list(durations),
        "Counts": list(map(float, durations.values())),
        "Timestamp": at,
    }
    calls = {
        "MetricName": CALLS,
        "Dimensions": dimensions(app.dimensions(status_class(status))),
        "Value": sum(durations.values()),
        "Timestamp": at,
    }
    client: Any = boto3.client("cloudwatch", region_name=REGION)
    client.put_metric_data(Namespace=METRIC_NAMESPACE, MetricData=[duration, calls])


def dimensions(of: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in of.items()]


def ask(call: Deploy, **query: str) -> Answer:
    return call("GET", f"/{NAME}/metrics", queryStringParameters=query, rawQueryString="")


def test_requests_errors_and_latency(call: Deploy, measured: MeasuredApp) -> None:
    before = period_of(600)
    put(measured, 200, {2.0: 98, 10.0: 1}, at=before)
    put(measured, 503, {100.0: 1}, at=before)
    put(measured, 200, {4.0: 1})
    answer = ask(call)
    assert answer.status == 200, answer.text
    body = answer.body
    assert (body["measured"], body["note"], body["requests"], body["errors"]) == (True, None, 101, 1)
    assert body["latency_average_ms"] == pytest.approx((2 * 98 + 10 + 100 + 4) / 101)
    first, last = body["points"]
    assert (first["requests"], first["errors"], last["requests"], last["errors"]) == (100, 1, 1, 0)
    assert (first["latency_p50_ms"], last["latency_p50_ms"]) == (2.0, 4.0)
    assert 10 <= first["latency_p99_ms"] <= 100
    assert body["start"] <= first["start"] < last["start"] < body["end"]


@pytest.mark.parametrize(("period", "seconds"), [("60", 60), ("300", 300), (None, 300)])
def test_the_length_of_a_period(call: Deploy, measured: MeasuredApp, period: str | None, seconds: int) -> None:
    put(measured, 200, {2.0: 1})
    body = ask(call, **({} if period is None else {"period": period})).body
    assert body["period"] == seconds
    (point,) = body["points"]
    assert int(point["start"][17:19]) == 0
    assert int(point["start"][14:16]) * 60 % seconds == 0


@pytest.mark.parametrize(("minutes", "requests"), [("9", None), ("1440", 3)])
def test_the_time_that_is_looked_back(call: Deploy, measured: MeasuredApp, minutes: str, requests: int | None) -> None:
    put(measured, 200, {2.0: 3}, at=period_of(1200))
    put(measured, 200, {2.0: 3}, at=period_of(_LONG_AGO))
    assert ask(call, minutes=minutes).body["requests"] == requests


@pytest.mark.parametrize(
    "query", [{"minutes": "0"}, {"minutes": "1441"}, {"period": "59"}, {"period": "3600"}, {"minutes": "an hour"}]
)
def test_what_cannot_be_asked(call: Deploy, query: dict[str, str]) -> None:
    assert ask(call, **query).status == 422


def test_what_was_not_requested_is_not_counted(call: Deploy, measured: MeasuredApp) -> None:
    """Silence is told from a measurement: it has no numbers, and says what it may mean."""
    body = ask(call).body
    assert body["measured"] is True
    assert [body[name] for name in ("requests", "errors", "latency_average_ms", "points")] == [None, None, None, []]
    assert "there was no request, or the collector" in body["note"]


@pytest.mark.parametrize("variable", [None, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "SPIN_VARIABLE_OTEL"])
def test_an_app_that_is_not_measured(
    call: Deploy, kubectl: Administrator, cloudwatch: CloudWatch, variable: str | None
) -> None:
    """Even where CloudWatch has something, from before: it would be taken for what is now."""
    put(MeasuredApp(CLUSTER, kubectl.namespace, NAME), 200, {2.0: 5})
    if variable is not None:
        set_variable(kubectl, variable, COLLECTOR)
    body = ask(call).body
    assert body["measured"] is False
    assert [body[name] for name in ("requests", "errors", "latency_average_ms", "points")] == [None, None, None, []]
    assert "operator can set that up" in body["note"]
    assert cloudwatch.asked == 0


def test_an_app_that_has_not_begun(call: Deploy, kubectl: Administrator, cloudwatch: CloudWatch) -> None:
    kubectl.delete(DEPLOYMENTS, NAME)
    body = ask(call).body
    assert (body["measured"], body["requests"], body["replicas"]["desired"]) == (False, None, None)
    assert "no Deployment yet" in body["note"]
    assert cloudwatch.asked == 0


def test_an_app_whose_traces_alone_are_sent(call: Deploy, kubectl: Administrator) -> None:
    set_variable(kubectl, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", COLLECTOR)
    put(MeasuredApp(CLUSTER, kubectl.namespace, NAME), 200, {2.0: 5})
    assert ask(call).body["requests"] == 5


def test_apps_of_one_name_are_told_apart(call: Deploy, measured: MeasuredApp) -> None:
    put(MeasuredApp(CLUSTER, "another-namespace", NAME), 500, {2.0: 5})
    put(MeasuredApp("another-cluster", measured.namespace, NAME), 500, {2.0: 5})
    put(measured, 200, {2.0: 1})
    body = ask(call).body
    assert (body["requests"], body["errors"]) == (1, 0)


@pytest.mark.stand_in_only("there is no kubelet that starts containers")
def test_replicas_and_restarts(call: Deploy, kubectl: Administrator) -> None:
    labels = {"core.spinkube.dev/app-name": NAME, f"core.spinkube.dev/app.{NAME}.status": "ready"}
    kubectl.create(PODS, "pod-1", {"containers": [{"name": NAME, "image": "i"}]}, labels=labels)
    status = {"containerStatuses": [{"name": NAME, "restartCount": 3}]}
    kubectl.patch(PODS, "pod-1", {"status": status}, "/status")
    kubectl.patch(DEPLOYMENTS, NAME, {"status": {"readyReplicas": 1, "replicas": 1}}, "/status")
    replicas = ask(call).body["replicas"]
    assert (replicas["restarts"], replicas["ready"]) == (3, 1)


def test_an_app_that_is_not_there(call: Deploy) -> None:
    answer = call("GET", "/another-function/metrics")
    assert answer.status == 404
    assert "App 'another-function' not found" in answer.detail


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_a_cloudwatch_that_is_busy(call: Deploy, measured: MeasuredApp, cloudwatch: CloudWatch, code: str) -> None:
    cloudwatch.fails = (code, 400)
    answer = ask(call)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.detail.startswith("CloudWatch has too many requests")


def test_a_cloudwatch_that_is_closed(call: Deploy, measured: MeasuredApp, cloudwatch: CloudWatch) -> None:
    cloudwatch.fails = ("AccessDeniedException", 403)
    answer = ask(call)
    assert answer.status == 502
    assert answer.detail == (
        "CloudWatch does not let this service read metrics (AccessDeniedException). Your request is not the cause. "
        "Tell the service's operator."
    )


def test_a_cloudwatch_that_fails(call: Deploy, measured: MeasuredApp, cloudwatch: CloudWatch) -> None:
    cloudwatch.fails = ("InternalServiceFault", 500)
    answer = ask(call)
    assert (answer.status, "CloudWatch did not answer" in answer.detail) == (502, True)


def test_a_cloudwatch_out_of_reach(call: Deploy, measured: MeasuredApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:1")
    clients.reset()
    answer = ask(call)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert answer.detail.startswith("No connection to CloudWatch")


def test_a_silent_cloudwatch(call: Deploy, measured: MeasuredApp, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Config(connect_timeout=1, read_timeout=0.05, retries={"total_max_attempts": 1})
    monkeypatch.setattr(aws, "_METRICS", once)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", f"http://127.0.0.1:{silent.getsockname()[1]}")
        clients.reset()
        answer = ask(call)
    assert (answer.status, "CloudWatch did not answer in time" in answer.detail) == (504, True)
