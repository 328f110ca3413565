"""What functions measure goes to a collector: manifests that fit together, of fields that Kubernetes' schemas know."""

import re
from typing import Any, Final

import pytest
import yaml

from functions.contracts.function_metrics import (
    CALLS,
    COMPONENT_CPU_TIME,
    COMPONENT_MEMORY,
    DURATION,
    METRIC_NAMESPACE,
    SERVER_ERRORS,
    STATUS_CLASS,
    MeasuredApp,
    status_class,
)
from local.kubernetes.api.app import CRD_FOLDER
from local.kubernetes.api.resources import Registry
from local.kubernetes.api.validation import prune, validate
from tests.cluster.conftest import Json
from tests.cluster.test_manifests import by_name, kubectl_kustomize, needs_kubectl

pytestmark = needs_kubectl
FOLDERS: Final = ("examples/metrics", "examples/metrics-tenant")


@pytest.fixture(scope="module")
def collector() -> dict[tuple[str, str], Json]:
    """The collector's objects, its ConfigMap under a name without the digest."""
    found = by_name(kubectl_kustomize("examples/metrics"))
    return {
        (kind, name.partition("-")[0] if kind == "ConfigMap" else name): body for (kind, name), body in found.items()
    }


@pytest.fixture(scope="module")
def configuration(collector: dict[tuple[str, str], Json]) -> dict[str, Any]:
    text = collector["ConfigMap", "collector"]["data"]["collector.yaml"]
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_field_is_one_that_kubernetes_knows(folder: str) -> None:
    registry = Registry()
    for path in CRD_FOLDER.glob("*.yaml"):
        registry.add(yaml.safe_load(path.read_text()))
    for body in kubectl_kustomize(folder):
        resource = registry.by_kind(body["apiVersion"], body["kind"])
        assert resource is not None, body["kind"]
        pruned, unknown = prune(resource.full_schema, body)
        assert unknown == [], body["kind"]
        assert list(validate(resource.full_schema, pruned)) == [], body["kind"]


def test_a_tenant_is_measured_by_its_executors_and_nothing_else_changes(collector: dict[tuple[str, str], Json]) -> None:
    plain, measured = (by_name(kubectl_kustomize(f"examples/{name}")) for name in ("tenant", "metrics-tenant"))
    policy = measured.pop(("NetworkPolicy", "functions-to-collector"))
    endpoints = set()
    for name in ("spot", "on-demand"):
        otel = measured["SpinAppExecutor", name]["spec"]["deploymentConfig"].pop("otel")
        endpoints.add(otel["exporter_otlp_endpoint"])
    assert measured == plain
    service, namespace = collector["Service", "collector"], collector["Namespace", "blue-faas-metrics"]
    (port,) = [port["port"] for port in service["spec"]["ports"] if port["name"] == "otlp"]
    assert endpoints == {
        f"http://{service['metadata']['name']}.{namespace['metadata']['name']}.svc.cluster.local:{port}"
    }
    (rule,) = policy["spec"]["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]
    (to,) = rule["to"]
    labels = collector["Deployment", "collector"]["spec"]["template"]["metadata"]["labels"]
    assert to["podSelector"]["matchLabels"] == labels == service["spec"]["selector"]
    assert to["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": namespace["metadata"]["name"]}


def test_the_collector_listens_where_the_service_leads(
    collector: dict[tuple[str, str], Json], configuration: dict[str, Any]
) -> None:
    (container,) = collector["Deployment", "collector"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listens = {
        "otlp": configuration["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
        "prometheus": configuration["exporters"]["prometheus"]["endpoint"],
    }
    assert {name: int(address.rpartition(":")[2]) for name, address in listens.items()} == ports
    health = int(configuration["extensions"]["health_check"]["endpoint"].rpartition(":")[2])
    assert container["readinessProbe"]["httpGet"]["port"] == health
    assert re.fullmatch(r"[^:]+:\d+\.\d+\.\d+", container["image"]), "a version of its own"


def test_every_pipeline_is_made_of_what_is_configured(configuration: dict[str, Any]) -> None:
    ends = {**configuration["exporters"], **configuration["connectors"]}
    begins = {**configuration["receivers"], **configuration["connectors"]}
    used: set[str] = set()
    for pipeline in configuration["service"]["pipelines"].values():
        assert set(pipeline["receivers"]) <= begins.keys()
        assert set(pipeline["processors"]) <= configuration["processors"].keys()
        assert set(pipeline["exporters"]) <= ends.keys()
        used |= {*pipeline["receivers"], *pipeline["processors"], *pipeline["exporters"]}
    assert used == begins.keys() | ends.keys() | configuration["processors"].keys()


def test_every_dimension_is_found_out_before(configuration: dict[str, Any]) -> None:
    declared = {
        name
        for declaration in configuration["exporters"]["awsemf"]["metric_declarations"]
        for dimensions in declaration["dimensions"]
        for name in dimensions
    }
    of_pods = configuration["processors"]["k8sattributes"]["extract"]["metadata"]
    of_cluster = [attribute["key"] for attribute in configuration["processors"]["resource/cluster"]["attributes"]]
    spanmetrics = configuration["connectors"]["spanmetrics/cloudwatch"]
    of_spans = [dimension["name"] for dimension in spanmetrics["dimensions"]]
    assert declared <= {*of_pods, *of_cluster, *of_spans}


def test_cloudwatch_is_sent_what_was_added_since_the_last_time(configuration: dict[str, Any]) -> None:
    """CloudWatch adds up what it is sent; the exporter makes differences of sums alone, and drops the first of each."""
    pipelines = [each for each in configuration["service"]["pipelines"].values() if "awsemf" in each["exporters"]]
    assert pipelines
    for pipeline in pipelines:
        (source,) = pipeline["receivers"]
        if source == "otlp":  # Spin sends totals
            assert "cumulativetodelta" in pipeline["processors"]
        else:
            assert configuration["connectors"][source]["aggregation_temporality"] == "AGGREGATION_TEMPORALITY_DELTA"


def test_cloudwatch_is_sent_what_the_service_asks_for(configuration: dict[str, Any]) -> None:
    """A metric is found by its namespace, its name and all of its dimensions."""
    exporter = configuration["exporters"]["awsemf"]
    assert exporter["namespace"] == METRIC_NAMESPACE
    assert configuration["connectors"]["spanmetrics/cloudwatch"]["namespace"] == CALLS.partition(".")[0]
    app = MeasuredApp("cluster", "namespace", "app")
    of_app = dict.fromkeys((DURATION, COMPONENT_CPU_TIME, COMPONENT_MEMORY), app.dimensions())
    for name, asked in {**of_app, CALLS: app.dimensions(SERVER_ERRORS)}.items():
        sent = [
            dimensions
            for declaration in exporter["metric_declarations"]
            for dimensions in declaration["dimensions"]
            if any(re.search(selector, name) for selector in declaration["metric_name_selectors"])
        ]
        assert sent == [list(asked)]


def test_a_status_has_the_class_that_the_service_asks_for(configuration: dict[str, Any]) -> None:
    """The last statement whose condition holds gives the class."""
    (group,) = configuration["processors"]["transform/status-class"]["trace_statements"]
    form = (
        rf'set\(attributes\["{STATUS_CLASS}"\], "(\dxx)"\) where attributes\["http\.response\.status_code"\] >= (\d+)'
    )
    statements = [re.fullmatch(form, statement) for statement in group["statements"]]
    classes = {int(found[2]): found[1] for found in statements if found is not None}
    assert len(classes) == len(statements)
    for status in (101, 200, 299, 301, 404, 499, 500, 503, 599):
        assert [name for least, name in sorted(classes.items()) if status >= least][-1] == status_class(status)


def test_cloudwatch_has_percentiles_of_durations(configuration: dict[str, Any]) -> None:
    """The exporter sends values of exponential histograms only: of others it is least, most, sum and count."""
    histogram = configuration["connectors"]["spanmetrics/cloudwatch"]["histogram"]
    assert "explicit" not in histogram
    # And a value for the bucket of zero: an array of the embedded metric format has at most 100.
    assert histogram["exponential"]["max_size"] + 1 <= 100


def test_every_variable_of_the_configuration_is_set(
    collector: dict[tuple[str, str], Json], configuration: dict[str, Any]
) -> None:
    (container,) = collector["Deployment", "collector"]["spec"]["template"]["spec"]["containers"]
    named = set(re.findall(r"\$\{env:(\w+)\}", yaml.safe_dump(configuration)))
    assert named == {variable["name"] for variable in container["env"]}
