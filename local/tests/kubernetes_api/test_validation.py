"""What the server refuses, drops and fills in: schemas, strict decoding, names, labels, quantities, rules of kinds."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.not_served import check_served
from local.kubernetes.api.quantities import parse_quantity
from local.kubernetes.api.validation import validate
from local.tests.kubernetes_api.conftest import GROUP, VERSION, Http, deployment, spinapp, spinapps

MERGE = "application/merge-patch+json"


def message(http: Http, code: int, path: str, body: Any, **query: str) -> str:
    return str(http.refused(code, "POST", path, body, **query)["message"])


def test_unknown_fields_are_pruned_with_a_warning(http: Http, namespace: str) -> None:
    response = http("POST", spinapps(namespace), spinapp("a", imagee="x"))
    assert response.status_code == 201
    assert "imagee" not in response.json()["spec"]
    assert response.headers["warning"] == '299 - "unknown field \\"spec.imagee\\""'


def test_unknown_fields_can_be_ignored(http: Http, namespace: str) -> None:
    response = http("POST", spinapps(namespace), spinapp("a", imagee="x"), fieldValidation="Ignore")
    assert response.status_code == 201
    assert "warning" not in response.headers


def test_strict_validation_refuses_unknown_fields(http: Http, namespace: str) -> None:
    assert message(http, 400, spinapps(namespace), spinapp("a", imagee="x"), fieldValidation="Strict") == (
        'SpinApp in version "v1alpha1" cannot be handled as a SpinApp: strict decoding error: '
        'unknown field "spec.imagee"'
    )
    body = deployment("a")
    body["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    assert 'unknown field "spec.template.spec.containers[0].imagee"' in message(
        http, 400, path, body, fieldValidation="Strict"
    )
    http.ok("POST", path, deployment("a"), fieldValidation="Strict")
    status = http.refused(422, "POST", path, deployment("b"), fieldValidation="Sometimes")
    assert status["message"].startswith('CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value')


def test_strict_validation_of_a_patch_is_invalid(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    query = {"fieldValidation": "Strict"}
    status = http.refused(422, "PATCH", spinapps(namespace, "a"), {"spec": {"imagee": "x"}}, MERGE, **query)
    assert 'strict decoding error: unknown field "spec.imagee"' in status["message"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"checks": {"readiness": {"httpGet": {"path": "/"}}}},
            'spec.checks.readiness.httpGet.httpHeaders: Invalid value: "null": '
            'spec.checks.readiness.httpGet.httpHeaders in body must be of type array: "null"',
        ),
        ({"components": []}, "spec.components in body should have at least 1 items"),
    ],
)
def test_custom_resources_are_held_to_their_schema(
    http: Http, namespace: str, fields: dict[str, Any], expected: str
) -> None:
    """After the webhook, which makes a null of a list of headers that is not there."""
    status = http.refused(422, "POST", spinapps(namespace), spinapp("a", **fields))
    assert status["reason"] == "Invalid"
    assert status["message"].startswith('SpinApp.core.spinkube.dev "a" is invalid: ')
    assert expected in status["message"]
    assert status["details"]["causes"][0]["field"].startswith("spec.")


@pytest.mark.parametrize(
    ("schema", "fits", "breaks", "expected"),
    [
        ({"type": "string", "enum": ["a"]}, "a", "b", 'Unsupported value: "b": supported values: "a"'),
        ({"type": "string", "pattern": "^a{2}$"}, "aa", "a", "v in body should match '^a{2}$'"),
        ({"type": "string", "minLength": 2}, "aa", "a", "v in body should be at least 2 chars long"),
        ({"type": "string", "maxLength": 2}, "aa", "aaa", "Too long: may not be more than 2 bytes"),
        ({"type": "integer", "minimum": 2}, 2, 1, "Invalid value: 1: v in body should be greater than or equal to 2"),
        ({"type": "integer", "maximum": 2}, 2, 3, "Invalid value: 3: v in body should be less than or equal to 2"),
        ({"type": "integer", "format": "int32"}, 2**31 - 1, 2**31, "v in body must be of type int32: 2147483648"),
        ({"type": "integer"}, 3.0, 3.5, 'v in body must be of type integer: "number"'),
        ({"type": "boolean"}, True, 1, 'v in body must be of type boolean: "integer"'),
        ({"x-kubernetes-int-or-string": True}, "8%", True, 'v in body must be of type integer,string: "boolean"'),
        ({"type": "array", "minItems": 1}, [1], [], "Invalid value: 0: v in body should have at least 1 items"),
        ({"type": "array", "maxItems": 1}, [1], [1, 2], "Too many: 2: must have at most 1 items"),
        ({"type": "object", "maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}, "must have at most 1 items"),
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}, "v.a: Required value"),
        ({"type": "object", "nullable": True}, None, "", 'v in body must be of type object: "string"'),
    ],
)
def test_each_limit_of_a_schema(schema: dict[str, Any], fits: Any, breaks: Any, expected: str) -> None:
    whole = {"type": "object", "properties": {"v": schema}}
    assert validate(whole, {"v": fits}) == []
    (error,) = validate(whole, {"v": breaks})
    assert expected in str(error)


def test_defaults_of_a_custom_resource_are_filled_in(http: Http, namespace: str) -> None:
    http_get = {"path": "/.well-known/spin/health", "httpHeaders": []}
    body = spinapp("a", checks={"readiness": {"httpGet": http_get}})
    readiness = http.ok("POST", spinapps(namespace), body)["spec"]["checks"]["readiness"]
    assert (readiness["initialDelaySeconds"], readiness["failureThreshold"]) == (10, 3)


def test_built_in_kinds_refuse_wrong_types_as_undecodable(http: Http, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    assert "cannot be handled as a Deployment" in message(http, 400, path, deployment("a", replicas="two"))
    body = deployment("a")
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "many"}}
    assert "quantities must match the regular expression" in message(http, 400, path, body)


@pytest.mark.parametrize("name", ["Bad_Name", "-a", "a.", "a" * 254])
def test_names_that_are_no_subdomain(http: Http, namespace: str, name: str) -> None:
    assert "metadata.name" in message(http, 422, spinapps(namespace), spinapp(name))


def test_the_longest_name_is_accepted(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    http.ok("POST", path, {"metadata": {"name": ("a" * 62 + ".") * 3 + "a" * 63}})
    http.refused(422, "POST", "/api/v1/namespaces", {"metadata": {"name": "a" * 64}})
    http.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "a" * 63}})
    http.ok("DELETE", "/api/v1/namespaces/" + "a" * 63)


def test_service_names_are_dns_labels(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services"
    spec = {"spec": {"ports": [{"port": 80}]}}
    assert "must not contain dots" in message(http, 422, path, {"metadata": {"name": "a.b"}, **spec})
    assert "RFC 1123" in message(http, 422, path, {"metadata": {"name": "-a"}, **spec})
    for name in ("a1", "1a"):
        http.ok("POST", path, {"metadata": {"name": name}, **spec})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"a": "has space"}, "a valid label must be an empty string or consist of"),
        ({"a": "x" * 64}, "must be no more than 63 bytes"),
        ({"bad key": "x"}, "name part must consist of"),
        ({"k" * 64: "x"}, "name part must be no more than 63 bytes"),
        ({"a": 1}, "metadata.labels"),
    ],
)
def test_labels_are_checked(http: Http, namespace: str, labels: dict[str, Any], expected: str) -> None:
    body = {"metadata": {"name": "c", "labels": labels}}
    response = http("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    assert response.status_code in (400, 422)
    assert expected in response.json()["message"]


def test_longest_label_is_accepted(http: Http, namespace: str) -> None:
    body = {"metadata": {"name": "c", "labels": {"k" * 63: "v" * 63, "example.com/k": ""}}}
    http.ok("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
    fields = {"scaleTargetRef": target, "maxReplicas": 3, **spec}
    return {"metadata": {"name": "h"}, "spec": {key: value for key, value in fields.items() if value is not None}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"minReplicas": 0}, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"),
        ({"maxReplicas": 0}, "spec.maxReplicas: Required value: must be set and greater than 0"),
        ({"maxReplicas": -1}, "spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1"),
        ({"minReplicas": 4}, "must be greater than or equal to `minReplicas`"),
        (
            {"scaleTargetRef": None},
            "spec.scaleTargetRef.kind: Required value, spec.scaleTargetRef.name: Required value",
        ),
        (
            {"scaleTargetRef": None},
            'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
        ),
        ({"maxReplicas": None}, "spec.maxReplicas: Required value"),
        ({"metrics": [{"type": "Resource"}]}, "spec.metrics[0].resource: Required value"),
    ],
)
def test_autoscaler_rules(http: Http, namespace: str, fields: dict[str, Any], expected: str) -> None:
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    assert expected in message(http, 422, path, autoscaler(**fields))


def test_autoscaler_with_equal_bounds_is_accepted(http: Http, namespace: str) -> None:
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    made = http.ok("POST", path, autoscaler(minReplicas=3))
    assert made["spec"]["metrics"][0]["resource"]["name"] == "cpu"


def test_deployment_rules(http: Http, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = deployment("a", selector={"matchLabels": {"x": "other"}})
    assert "`selector` does not match template `labels`" in message(http, 422, path, body)
    body = deployment("a")
    body["spec"]["template"]["spec"]["containers"] = []
    assert "spec.template.spec.containers: Required value" in message(http, 422, path, body)
    body = deployment("a")
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "requests": {"memory": "2Gi"},
        "limits": {"memory": "1Gi"},
    }
    assert "must be less than or equal to memory limit of 1Gi" in message(http, 422, path, body)
    http.ok("POST", path, deployment("a"))
    for counts, why in (
        ({"readyReplicas": 1}, "status.readyReplicas: Invalid value: 1: cannot be greater than status.replicas"),
        ({"replicas": 1, "availableReplicas": 1}, "status.availableReplicas: Invalid value: 1: cannot be greater than"),
    ):
        assert why in http.refused(422, "PATCH", f"{path}/a/status", {"status": counts}, MERGE)["message"]
    patch = {"spec": {"selector": {"matchLabels": {"x": "b"}}, "template": {"metadata": {"labels": {"x": "b"}}}}}
    status = http.refused(422, "PATCH", f"{path}/a", patch, MERGE)
    assert "field is immutable" in status["message"]


CORE, SPINKUBE = "/api/v1", "/apis/core.spinkube.dev/v1alpha1"


def with_container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": "i", **fields}]}}


def app_with(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return SPINKUBE, "spinapps", spinapp("a", **fields)


def deployment_with(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "/apis/apps/v1", "deployments", deployment("a", **fields)


def autoscaler_with(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "/apis/autoscaling/v2", "horizontalpodautoscalers", autoscaler(**fields)


CONTAINER = "spec.containers[0]"
MEASURED = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}}
UNSERVED = [
    (*app_with(components=["a"]), "spec.components"),
    (*app_with(invocationLimits={"memory": "1Mi"}), "spec.invocationLimits"),
    (*app_with(volumes=[{"name": "v", "emptyDir": {}}]), "spec.volumes"),
    (*app_with(runtimeConfig={"keyValueStores": [{"name": "b", "type": "x"}]}), "spec.runtimeConfig.keyValueStores"),
    (
        *app_with(variables=[{"name": "v", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        "spec.variables[0].valueFrom.fieldRef",
    ),
    (
        *(SPINKUBE, "spinappexecutors"),
        {
            **{"apiVersion": f"{GROUP}/{VERSION}", "kind": "SpinAppExecutor"},
            "spec": {"createDeployment": True, "deploymentConfig": {"spinImage": "i"}},
        },
        "spec.deploymentConfig.spinImage",
    ),
    (
        *(SPINKUBE, "spinappexecutors"),
        {
            **{"apiVersion": f"{GROUP}/{VERSION}", "kind": "SpinAppExecutor"},
            "spec": {
                "createDeployment": True,
                "deploymentConfig": {"runtimeClassName": "c", "otel": {"exporter_otlp_logs_endpoint": "http://c"}},
            },
        },
        "spec.deploymentConfig.otel.exporter_otlp_logs_endpoint",
    ),
    (*deployment_with(paused=True), "spec.paused"),
    (*deployment_with(minReadySeconds=1), "spec.minReadySeconds"),
    (*deployment_with(strategy={"type": "Recreate"}), "spec.strategy"),
    (*deployment_with(strategy={"rollingUpdate": {"maxSurge": 1}}), "spec.strategy"),
    (CORE, "pods", {"spec": with_container()["spec"] | {"restartPolicy": "Never"}}, "spec.restartPolicy"),
    (CORE, "pods", {"spec": with_container()["spec"] | {"hostNetwork": True}}, "spec.hostNetwork"),
    (
        *(CORE, "pods", {"spec": with_container()["spec"] | {"volumes": [{"name": "v", "emptyDir": {}}]}}),
        "spec.volumes[0]",
    ),
    (CORE, "pods", with_container(imagePullPolicy="Never"), f"{CONTAINER}.imagePullPolicy"),
    (CORE, "pods", with_container(args=["a"]), f"{CONTAINER}.args"),
    (CORE, "pods", with_container(envFrom=[{"secretRef": {"name": "s"}}]), f"{CONTAINER}.envFrom"),
    (CORE, "pods", with_container(livenessProbe={"tcpSocket": {"port": 80}}), f"{CONTAINER}.livenessProbe"),
    (CORE, "services", {"spec": {"type": "NodePort", "ports": [{"port": 80}]}}, "spec.type"),
    (*autoscaler_with(behavior={"scaleDown": {"stabilizationWindowSeconds": 0}}), "spec.behavior"),
    (*autoscaler_with(metrics=[MEASURED]), "spec.metrics[0]"),
]


@pytest.mark.stand_in_only("it serves what the stand-in refuses rather than serve it otherwise")
@pytest.mark.parametrize(("group", "plural", "obj", "field"), UNSERVED)
def test_what_one_machine_does_not_serve_is_refused(
    http: Http, namespace: str, group: str, plural: str, obj: dict[str, Any], field: str
) -> None:
    body = obj | {"metadata": {"name": "a"}}
    status = http.refused(422, "POST", f"{group}/namespaces/{namespace}/{plural}", body)
    assert f"{field}: Forbidden: not served by the one-machine cluster" in status["message"]


def test_what_an_earlier_version_took_can_still_be_changed() -> None:
    kept = {"spec": {"volumes": [{"name": "token", "projected": {}}], "containers": []}}
    assert check_served(("", "pods"), kept, kept) == []
    more = {"spec": {**kept["spec"], "hostNetwork": True}}
    assert [error.field for error in check_served(("", "pods"), more, kept)] == ["spec.hostNetwork"]


@pytest.mark.stand_in_only("it serves what the stand-in refuses rather than serve it otherwise")
def test_verbs_and_patches_that_nothing_here_sends_are_refused(http: Http, namespace: str) -> None:
    app = http.ok("POST", spinapps(namespace), spinapp("a"))
    for method, path in (("PUT", spinapps(namespace, "a")), ("DELETE", spinapps(namespace))):
        assert http.refused(405, method, path, app)["reason"] == "MethodNotAllowed"
    patch = [{"op": "replace", "path": "/spec/replicas", "value": 7}]
    status = http.refused(415, "PATCH", spinapps(namespace, "a"), patch, "application/json-patch+json")
    assert "application/merge-patch+json" in status["message"]
    response = http("GET", f"{spinapps(namespace, 'a')}/scale")
    assert response.status_code == 404
    assert http.ok("GET", spinapps(namespace, "a")) == app


def test_bodies_that_are_no_object_of_the_kind(http: Http, namespace: str) -> None:
    http.refused(400, "POST", spinapps(namespace), ["x"])
    http.refused(400, "POST", spinapps(namespace), deployment("a"))
    http.refused(400, "POST", spinapps(namespace), {**spinapp("a"), "apiVersion": "core.spinkube.dev/v9"})
    http.refused(400, "POST", spinapps(namespace), {**spinapp("a"), "metadata": {"name": "a", "namespace": "other"}})
    http.refused(415, "POST", spinapps(namespace), spinapp("a"), "text/plain")
    response = http.client.post(spinapps(namespace), content="{", headers={"Content-Type": "application/json"})
    assert response.json()["reason"] == "BadRequest"
    http.refused(422, "POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {}})


def test_methods_that_a_path_does_not_have(http: Http, namespace: str) -> None:
    config_map = f"/api/v1/namespaces/{namespace}/configmaps/a"
    assert http.refused(405, "POST", config_map, {"metadata": {"name": "a"}})["reason"] == "MethodNotAllowed"
    http.ok("POST", spinapps(namespace, "a"), spinapp("a"))  # the handler of custom resources does not look
    http.refused(405, "PUT", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "a"}})
    for path in ("/api/v1/nothings", f"/api/v1/namespaces/{namespace}/configmaps/a/scale"):
        assert "could not find the requested resource" in http.refused(404, "GET", path)["message"]
    for path in (f"{spinapps(namespace)[:-8]}nothings", "/nowhere", "/apis/nowhere.dev/v1/things"):
        response = http("GET", path)
        assert (response.status_code, response.headers["content-type"].split(";")[0]) == (404, "text/plain")


def test_a_custom_resource_can_be_defined_used_and_removed(http: Http, namespace: str) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 2}}}
                            },
                        }
                    },
                }
            ],
        },
    }
    crds, widgets = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/example.com/v1"
    http.ok("POST", crds, definition)

    def is_served(found: dict[str, Any]) -> bool:
        conditions = (found.get("status") or {}).get("conditions") or []
        return {"Established", "NamesAccepted"} <= {item["type"] for item in conditions if item["status"] == "True"}

    http.until(f"{crds}/widgets.example.com", is_served)
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"colour": "red"}}
    path = f"{widgets}/namespaces/{namespace}/widgets"
    assert http.ok("POST", path, body)["spec"] == {"size": 2}
    assert http.ok("PATCH", f"{path}/w", {"spec": {"size": 5}}, MERGE)["spec"] == {"size": 5}
    http.ok("DELETE", f"{crds}/widgets.example.com")
    http.unserved(path)
    http.unserved(widgets)
    http.refused(422, "POST", crds, {**definition, "metadata": {"name": "wrong.example.com"}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("250m", "0.25"),
        ("1.5Gi", "1610612736"),
        ("128Mi", "134217728"),
        ("2e3", "2000"),
        ("1E", "1e18"),
        (".5", "0.5"),
        ("-1k", "-1000"),
        (7, "7"),
    ],
)
def test_quantities(text: Any, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "1 Gi", "1GiB", "m", "1e", "e5", "1.2.3", True, None, 1.5, "1e999999999"])
def test_what_is_no_quantity(text: Any) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


@given(st.integers(0, 10**6), st.sampled_from(["m", "", "k", "Mi", "Gi"]))
def test_quantities_grow_with_their_number(number: int, suffix: str) -> None:
    assert parse_quantity(f"{number}{suffix}") < parse_quantity(f"{number + 1}{suffix}")
