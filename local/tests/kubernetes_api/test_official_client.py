"""The official Python client against the server: create, read, replace, list, delete, typed and custom objects."""

import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, dynamic
from kubernetes.client.exceptions import ApiException

from local.tests.kubernetes_api.conftest import GROUP, VERSION, Http, spinapp


@pytest.fixture
def core(api: client.ApiClient) -> Any:
    return client.CoreV1Api(api)


@pytest.fixture
def custom(api: client.ApiClient) -> Any:
    return client.CustomObjectsApi(api)


def refusal(error: ApiException) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(error.body or "")
    assert status["kind"] == "Status"
    assert status["code"] == error.status
    return status


def test_namespace_has_server_metadata_and_default_service_account(core: Any, namespace: str) -> None:
    metadata = core.read_namespace(namespace).metadata
    assert metadata.uid
    assert metadata.resource_version
    assert metadata.creation_timestamp
    assert namespace in [item.metadata.name for item in core.list_namespace().items]
    assert core.read_namespaced_service_account("default", namespace).metadata.name == "default"


def test_spinapp_create_get_list(custom: Any, namespace: str) -> None:
    made = custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("a"))
    assert made["metadata"]["namespace"] == namespace
    assert made["spec"]["enableAutoscaling"] is False  # default of the CRD
    custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("b"))
    listed = custom.list_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
    assert listed["kind"] == "SpinAppList"
    assert listed["metadata"]["resourceVersion"]
    everywhere = custom.list_cluster_custom_object(GROUP, VERSION, "spinapps")["items"]
    assert sum(item["metadata"]["namespace"] == namespace for item in everywhere) == 2


def test_typed_objects_round_trip_with_defaults(api: Any, core: Any, namespace: str) -> None:
    apps: Any = client.AppsV1Api(api)
    autoscaling: Any = client.AutoscalingV2Api(api)
    models: Any = client
    service = models.V1Service(
        metadata=models.V1ObjectMeta(name="a"), spec=models.V1ServiceSpec(ports=[models.V1ServicePort(port=80)])
    )
    core.create_namespaced_service(namespace, service)
    template = {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = models.V1DeploymentSpec(selector={"matchLabels": {"x": "y"}}, template=template)
    apps.create_namespaced_deployment(namespace, models.V1Deployment(metadata={"name": "a"}, spec=spec))
    target = models.V2CrossVersionObjectReference(kind="Deployment", name="a", api_version="apps/v1")
    hpa_spec = models.V2HorizontalPodAutoscalerSpec(max_replicas=5, scale_target_ref=target)
    autoscaler = models.V2HorizontalPodAutoscaler(metadata={"name": "a"}, spec=hpa_spec)
    autoscaling.create_namespaced_horizontal_pod_autoscaler(namespace, autoscaler)

    stored = core.read_namespaced_service("a", namespace).spec
    assert stored.type == "ClusterIP"
    assert stored.cluster_ip.startswith("10.")
    assert (stored.ports[0].protocol, stored.ports[0].target_port) == ("TCP", 80)
    workload = apps.list_namespaced_deployment(namespace).items[0].spec
    assert workload.replicas == 1
    assert workload.strategy.type == "RollingUpdate"
    assert workload.template.spec.containers[0].image_pull_policy == "Always"
    scaler = autoscaling.read_namespaced_horizontal_pod_autoscaler("a", namespace).spec
    assert (scaler.min_replicas, scaler.max_replicas) == (1, 5)


def test_secret_string_data_becomes_data(core: Any, namespace: str) -> None:
    core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"key": "value"}})
    secret = core.read_namespaced_secret("s", namespace)
    assert secret.data == {"key": "dmFsdWU="}
    assert secret.string_data is None
    assert secret.type == "Opaque"


def test_duplicate_is_already_exists(custom: Any, namespace: str) -> None:
    custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("a"))
    with pytest.raises(ApiException) as caught:
        custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("a"))
    status = refusal(caught.value)
    assert (status["code"], status["reason"]) == (409, "AlreadyExists")
    assert status["message"] == 'spinapps.core.spinkube.dev "a" already exists'


def test_missing_object_is_not_found(custom: Any, namespace: str) -> None:
    with pytest.raises(ApiException) as caught:
        custom.get_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", "zz")
    status = refusal(caught.value)
    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["details"] == {"name": "zz", "group": GROUP, "kind": "spinapps"}


def test_unknown_kind_is_not_found(custom: Any, namespace: str) -> None:
    with pytest.raises(ApiException) as caught:
        custom.list_namespaced_custom_object("nope.dev", "v1", namespace, "things")
    assert (caught.value.status, caught.value.body) == (404, "404 page not found\n")


def test_create_in_missing_namespace_is_not_found(custom: Any) -> None:
    with pytest.raises(ApiException) as caught:
        custom.create_namespaced_custom_object(GROUP, VERSION, "missing-ns", "spinapps", spinapp("a"))
    assert refusal(caught.value)["message"] == 'namespaces "missing-ns" not found'


def test_a_patch_of_an_earlier_version_is_a_conflict(custom: Any, namespace: str) -> None:
    first = custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("a"))
    changed = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "spec": {"replicas": 2}}
    second = custom.patch_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", "a", changed)
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    with pytest.raises(ApiException) as caught:
        custom.patch_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", "a", changed)
    status = refusal(caught.value)
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert "the object has been modified" in status["message"]


def test_a_write_without_change_keeps_the_version(custom: Any, namespace: str) -> None:
    first = custom.create_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", spinapp("a"))
    same = {"spec": {"replicas": 1}}
    assert custom.patch_namespaced_custom_object(GROUP, VERSION, namespace, "spinapps", "a", same) == first


def test_generation_counts_spec_changes_only(custom: Any, namespace: str) -> None:
    arguments = (GROUP, VERSION, namespace, "spinapps", "a")
    made = custom.create_namespaced_custom_object(*arguments[:-1], spinapp("a"))
    assert made["metadata"]["generation"] == 1
    labelled = custom.patch_namespaced_custom_object(*arguments, {"metadata": {"labels": {"new": "1"}}})
    assert labelled["metadata"]["generation"] == 1
    status = custom.patch_namespaced_custom_object_status(*arguments, {"status": {"readyReplicas": 1}})
    assert (status["metadata"]["generation"], status["status"]) == (1, {"readyReplicas": 1})
    scaled = custom.patch_namespaced_custom_object(*arguments, {"spec": {"replicas": 2}})
    assert (scaled["metadata"]["generation"], scaled["status"]) == (2, {"readyReplicas": 1})


def test_status_and_spec_are_written_at_their_own_endpoints(custom: Any, namespace: str) -> None:
    arguments = (GROUP, VERSION, namespace, "spinapps", "a")
    made = custom.create_namespaced_custom_object(*arguments[:-1], {**spinapp("a"), "status": {"readyReplicas": 9}})
    assert "status" not in made
    assert "status" not in custom.patch_namespaced_custom_object(*arguments, {"status": {"readyReplicas": 9}})
    both = {"spec": {"replicas": 5}, "status": {"readyReplicas": 2}}
    after = custom.patch_namespaced_custom_object_status(*arguments, both)
    assert (after["spec"]["replicas"], after["status"]["readyReplicas"]) == (1, 2)


def test_dry_run_changes_nothing(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}}, dry_run="All")
    with pytest.raises(ApiException, match="404"):
        core.read_namespaced_config_map("c", namespace)
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}, "data": {"a": "1"}})
    answered = core.patch_namespaced_config_map("c", namespace, {"data": {"a": "2"}}, dry_run="All")
    assert answered.data == {"a": "2"}
    core.delete_namespaced_config_map("c", namespace, dry_run="All")
    assert core.read_namespaced_config_map("c", namespace).data == {"a": "1"}


def test_generate_name(core: Any, namespace: str) -> None:
    names = {
        core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "c-"}}).metadata.name for _ in "ab"
    }
    assert len(names) == 2
    assert all(name.startswith("c-") for name in names)


def test_delete(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "a"}})
    assert core.delete_namespaced_config_map("a", namespace)["status"] == "Success"
    with pytest.raises(ApiException, match="404"):
        core.read_namespaced_config_map("a", namespace)


def test_typed_delete_answers_parse(core: Any, http: Http, namespace: str) -> None:
    core.create_namespaced_service(namespace, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    assert core.delete_namespaced_service("s", namespace) is not None
    core.create_namespace({"metadata": {"name": f"{namespace}-2"}})
    core.delete_namespace(f"{namespace}-2")
    http.gone(f"/api/v1/namespaces/{namespace}-2")


def test_dynamic_client_discovers_and_applies(api: Any, namespace: str, tmp_path: Path) -> None:
    untyped: Any = dynamic
    finder = untyped.DynamicClient(api, cache_file=str(tmp_path / "discovery.json"))
    resource = finder.resources.get(api_version=f"{GROUP}/{VERSION}", kind="SpinApp")
    assert resource.name == "spinapps"
    assert finder.resources.get(api_version="v1", kind="Service").name == "services"
    assert finder.resources.get(api_version="autoscaling/v2", kind="HorizontalPodAutoscaler")
    made = resource.server_side_apply(
        body=spinapp("dyn"), name="dyn", namespace=namespace, field_manager="svc", force_conflicts=True
    )
    assert made.metadata.name == "dyn"
