"""Ingress and HTTPRoute: what a real server refuses, and what this one refuses because it would not do it."""

from typing import Any

import pytest

from local.tests.kubernetes_api.conftest import Http

BACKEND = {"service": {"name": "a", "port": {"number": 80}}}
REASON = "not served by the one-machine cluster"
NOT_SERVED = pytest.mark.stand_in_only("it serves what the stand-in refuses rather than serve it otherwise")


def ingress(**path: Any) -> dict[str, Any]:
    whole = {"path": "/", "pathType": "Prefix", "backend": BACKEND, **path}
    return {"rules": [{"host": "a.example", "http": {"paths": [whole]}}]}


def ingresses(namespace: str) -> str:
    return f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"


def routes(namespace: str) -> str:
    return f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"


def body(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": spec}


def route(spec: dict[str, Any]) -> dict[str, Any]:
    return {**body(spec), "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}


def test_an_ingress_for_a_whole_host(http: Http, namespace: str) -> None:
    made = http.ok("POST", ingresses(namespace), body({"ingressClassName": "alb", **ingress()}))
    assert made["metadata"]["generation"] == 1
    assert made["spec"] == {"ingressClassName": "alb", **ingress()}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "either `defaultBackend` or `rules` must be specified"),
        (ingress(pathType="Whole"), 'spec.rules[0].http.paths[0].pathType: Unsupported value: "Whole"'),
        (ingress(path="a"), "must be an absolute path"),
        (ingress(backend={}), "resource or service backend is required"),
        (ingress(backend={"service": {"name": "a", "port": {}}}), "port name or number is required"),
        (ingress(backend={"service": {"name": "a", "port": {"number": 0}}}), "port name or number is required"),
        (ingress(backend={"service": {"name": "a", "port": {"number": 65536}}}), "must be between 1 and 65535"),
        (
            ingress(backend={"service": {"name": "a", "port": {"name": "http", "number": 80}}}),
            "cannot set both port name & port number",
        ),
        ({"rules": [{**ingress()["rules"][0], "host": "10.0.0.1"}]}, "must be a DNS name, not an IP address"),
        ({"rules": [{**ingress()["rules"][0], "host": "A.example"}]}, "a lowercase RFC 1123 subdomain"),
    ],
)
def test_an_ingress_that_is_refused(http: Http, namespace: str, spec: dict[str, Any], message: str) -> None:
    assert message in http.refused(422, "POST", ingresses(namespace), body(spec))["message"]


@NOT_SERVED
@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({**ingress(), "tls": [{"hosts": ["a.example"]}]}, "spec.tls"),
        (ingress(path="/a"), "spec.rules[0]"),
        (ingress(pathType="Exact"), "spec.rules[0]"),
        ({"rules": [{**ingress()["rules"][0], "host": "*.example"}]}, "spec.rules[0]"),
    ],
)
def test_an_ingress_that_is_not_served(http: Http, namespace: str, spec: dict[str, Any], field: str) -> None:
    refused = http.refused(422, "POST", ingresses(namespace), body(spec))
    assert f"{field}: Forbidden: {REASON}" in refused["message"]


def http_route(**rule: Any) -> dict[str, Any]:
    return {"hostnames": ["a.example"], "rules": [{"backendRefs": [{"name": "a", "port": 80}], **rule}]}


def test_an_http_route_with_its_defaults(http: Http, namespace: str) -> None:
    made = http.ok("POST", routes(namespace), route({"parentRefs": [{"name": "public"}], **http_route()}))
    assert made["spec"]["parentRefs"] == [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}]
    (rule,) = made["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"] == [{"group": "", "kind": "Service", "name": "a", "port": 80, "weight": 1}]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({**http_route(), "hostnames": ["A.example"]}, "spec.hostnames[0]"),
        ({**http_route(), "parentRefs": [{}]}, "spec.parentRefs[0].name: Required value"),
        (http_route(backendRefs=[{"name": "a"}]), "Must have port for Service reference"),
        (http_route(backendRefs=[{"name": "a", "port": 70000}]), "spec.rules[0].backendRefs[0].port"),
    ],
)
def test_an_http_route_that_is_refused(http: Http, namespace: str, spec: dict[str, Any], message: str) -> None:
    assert message in http.refused(422, "POST", routes(namespace), route(spec))["message"]


def test_a_backend_that_is_no_service_needs_no_port(http: Http, namespace: str) -> None:
    bucket = {"group": "storage.example", "kind": "Service", "name": "a"}
    message = http(  # the stand-in does not serve it, for another reason
        "POST", routes(namespace), route(http_route(backendRefs=[bucket]))
    ).text
    assert "Must have port" not in message


@NOT_SERVED
@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({**http_route(), "hostnames": ["*.example"]}, "spec.hostnames[0]"),
        ({"rules": http_route()["rules"]}, "spec.hostnames[0]"),
        (http_route(filters=[{"type": "RequestRedirect"}]), "spec.rules[0].filters"),
        (http_route(matches=[{"path": {"value": "/a"}}]), "spec.rules[0].matches"),
        (http_route(backendRefs=[]), "spec.rules[0].backendRefs"),
    ],
)
def test_an_http_route_that_is_not_served(http: Http, namespace: str, spec: dict[str, Any], field: str) -> None:
    refused = http.refused(422, "POST", routes(namespace), route(spec))
    assert f"{field}: Forbidden: {REASON}" in refused["message"]
