"""From an image to an answering function: create, update, new app, what the cluster holds afterwards."""

import contextlib
import json
import re
from pathlib import Path

from tests.e2e.conftest import PLANTED
from tests.support.client import Client


def test_the_documented_request_gives_the_documented_answer(cloud: Client, hello: str) -> None:
    answer = cloud.deploy(
        namespace="default",
        image_ref=hello,
        function_id="fn-my-function-001",
        enable_autoscaling=True,
        use_spot=False,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    name = body["app_name"]
    assert re.fullmatch(r"spin-[a-z]+-[a-z]+-\d{4}", name)
    documented = {
        "app_name": name,
        "namespace": "default",
        "service_name": name,
        "service_status": "found",
        "endpoint": f"{name}.default.svc.cluster.local",
        "enable_autoscaling": True,
        "use_spot": False,
        "error": None,
    }
    assert list(body.items())[: len(documented)] == list(documented.items())
    assert cloud.call(name).text == "Hello from Blue FaaS!"


def test_the_same_name_updates_and_the_function_keeps_its_data(cloud: Client, hello: str, counter: str) -> None:
    created = cloud.deploy(app_name="updated", namespace="default", image_ref=counter, function_id="fn-1")
    assert created.json()["app_name"] == "updated"
    assert [cloud.call("updated", "/count").text for _ in range(3)] == ["1\n", "2\n", "3\n"]
    updated = cloud.deploy(app_name="updated", namespace="default", image_ref=hello)
    assert updated.status_code == 200, updated.text
    cloud.call_until("updated", lambda text: text == "Hello from Blue FaaS!")
    rolled_back = cloud.deploy(app_name="updated", namespace="default", image_ref=counter)
    assert rolled_back.status_code == 200, rolled_back.text
    # Calls made while the update rolled may have counted too.
    cloud.call_until("updated", lambda text: text.strip().isdigit() and int(text) > 3, "/count")
    app = cloud.cluster("/apis/core.spinkube.dev/v1alpha1/namespaces/default/spinapps/updated")
    assert app["spec"]["podLabels"]["function_id"] == "fn-1"


def test_no_process_of_a_function_has_what_the_clouds_environment_has(cloud: Client, hello: str) -> None:
    cloud.deploy(app_name="shielded", namespace="default", image_ref=hello)
    cloud.call("shielded")
    records = cloud.cloud.state / "kubernetes" / "node" / "processes"
    environments = []
    for record in records.glob("*.json"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # another test's may end meanwhile
            environments.append(Path(f"/proc/{json.loads(record.read_text())['pid']}/environ").read_bytes())
    assert any(environments)
    assert not [each for each in environments if PLANTED.encode() in each]


def test_pods_are_found_by_function_id(cloud: Client, hello: str) -> None:
    cloud.deploy(app_name="labelled", namespace="default", image_ref=hello, function_id="fn-labelled")
    cloud.call("labelled")
    pods = cloud.cluster("/api/v1/namespaces/default/pods", labelSelector="function_id=fn-labelled")
    assert [pod["spec"]["containers"][0]["name"] for pod in pods["items"]] == ["labelled"]


def test_autoscaling_makes_an_hpa_that_belongs_to_the_app(cloud: Client, hello: str) -> None:
    cloud.deploy(app_name="scaled", namespace="default", image_ref=hello)
    hpa = cloud.cluster("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/scaled")
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 10)
    assert [owner["kind"] for owner in hpa["metadata"]["ownerReferences"]] == ["SpinApp"]
    assert hpa["spec"]["scaleTargetRef"]["name"] == "scaled"


def test_a_missing_namespace_is_404_with_the_documented_text(cloud: Client, hello: str) -> None:
    answer = cloud.deploy(namespace="xxx", image_ref=hello)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Namespace 'xxx' not found"}


def test_json_without_its_content_type_is_understood(cloud: Client, hello: str) -> None:
    """`curl -d` without -H, as the documented update commands have it."""
    answer = cloud.http.post(
        "/api/v1/deploy",
        content=f'{{"app_name": "plain", "image_ref": "{hello}", "namespace": "default"}}',
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200, answer.text
