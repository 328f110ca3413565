"""Ingress and HTTPRoute: what a real server refuses, and what this one refuses because it would not do it."""

from typing import Any

import pytest

from local.tests.kubernetes_api.conftest import Http

BACKEND = {"service": {"name": "a", "port": {"number": 80}}}
REASON = "not served by the one-machine cluster"


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
        (ingress(backend={"service": {"name": "a", "port": {"number": 0}}}), "must be between 1 and 65535"),
        ({"rules": [{**ingress()["rules"][0], "host": "10.0.0.1"}]}, "must be a DNS name, not an IP address"),
        ({"rules": [{**ingress()["rules"][0], "host": "A.example"}]}, "a lowercase RFC 1123 subdomain"),
        ({**ingress(), "tls": [{"hosts": ["a.example"]}]}, f"spec.tls: Forbidden: {REASON}"),
        (ingress(path="/a"), f"spec.rules[0]: Forbidden: {REASON}"),
        (ingress(pathType="Exact"), f"spec.rules[0]: Forbidden: {REASON}"),
        ({"rules": [{**ingress()["rules"][0], "host": "*.example"}]}, f"spec.rules[0]: Forbidden: {REASON}"),
    ],
)
def test_an_ingress_that_is_refused(http: Http, namespace: str, spec: dict[str, Any], message: str) -> None:
    assert message in http.refused(422, "POST", ingresses(namespace), body(spec))["message"]


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
        ({**http_route(), "hostnames": ["*.example"]}, f"spec.hostnames[0]: Forbidden: {REASON}"),
        ({"rules": http_route()["rules"]}, f"spec.hostnames[0]: Forbidden: {REASON}"),
        (http_route(filters=[{"type": "RequestRedirect"}]), f"spec.rules[0].filters: Forbidden: {REASON}"),
        (http_route(matches=[{"path": {"value": "/a"}}]), f"spec.rules[0].matches: Forbidden: {REASON}"),
        (http_route(backendRefs=[]), f"spec.rules[0].backendRefs: Forbidden: {REASON}"),
    ],
)
def test_an_http_route_that_is_refused(http: Http, namespace: str, spec: dict[str, Any], message: str) -> None:
    assert message in http.refused(422, "POST", routes(namespace), route(spec))["message"]
