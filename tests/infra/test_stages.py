"""What differs between installations: what is kept, what is protected, what things are labelled, what is printed."""

import re
from typing import Any

import pytest

from tests.infra.conftest import ANOTHER, ROOT, synthesis
from tests.infra.reading import resources
from tests.infra.test_api_and_storage import STATE


@pytest.mark.parametrize(
    ("changed", "policy"), [(ANOTHER, "Delete"), ({}, "RetainExceptOnCreate")], ids=["dev", "prod"]
)
def test_a_stage_says_what_becomes_of_state(changed: dict[str, object], policy: str) -> None:
    template = synthesis(**changed).template
    policies = {
        resource["DeletionPolicy"]
        for name, resource in template["Resources"].items()
        if resource["Type"] in STATE and not name.startswith("AlarmsKey")
    }
    assert policies == {policy}
    (repository,) = resources(template, "AWS::ECR::Repository").values()
    assert repository.get("EmptyOnDelete", False) is (policy == "Delete")


def test_protection_is_asked_for_after_the_first_success() -> None:
    # A protected stack whose creation failed cannot be deleted, and so not be created again.
    assert synthesis().stack.get("terminationProtection", False) is False
    assert synthesis(**ANOTHER).stack["terminationProtection"] is True


def test_everything_is_labelled() -> None:
    assert synthesis(**ANOTHER).stack["tags"] == {"service": "blue-faas", "stage": "dev", "team": "platform"}


def test_metrics_by_route_are_paid_for_where_an_alarm_reads_them(template: dict[str, Any]) -> None:
    (stage,) = resources(template, "AWS::ApiGatewayV2::Stage").values()
    default = stage["DefaultRouteSettings"]
    assert default.pop("DetailedMetricsEnabled", False) is False
    read = {
        tuple(d["Value"] for d in alarm["Dimensions"] if d["Name"] in {"Method", "Resource"})
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "Latency"
    }
    assert {tuple(route.split(" ")) for route in stage["RouteSettings"]} == read
    # A route's settings take the place of the default ones: its throttle has to be said again.
    assert all(settings == {**default, "DetailedMetricsEnabled": True} for settings in stage["RouteSettings"].values())


def test_routes_are_there_before_their_settings(template: dict[str, Any]) -> None:
    routes = {
        name: route["Properties"]["RouteKey"]
        for name, route in template["Resources"].items()
        if route["Type"] == "AWS::ApiGatewayV2::Route"
    }
    (stage,) = [s for s in template["Resources"].values() if s["Type"] == "AWS::ApiGatewayV2::Stage"]
    assert set(stage["Properties"]["RouteSettings"]) <= {routes.get(name) for name in stage["DependsOn"]}


def test_what_the_pages_ask_to_look_up_is_an_output(template: dict[str, Any]) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    asked = {name for page in pages for name in re.findall(r"\boutput (\w+)\)", page.read_text(encoding="utf-8"))}
    assert {"DeployRoleArn", "ApiUrl", "TaskTable"} <= asked
    assert asked <= template["Outputs"].keys()
