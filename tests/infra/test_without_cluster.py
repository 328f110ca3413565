"""``kubernetes: null``: the build half alone, with nothing left over of the other."""

import json
from typing import Any

import pytest

from tests.infra.conftest import synthesis
from tests.infra.reading import permissions, resources, state_machine, text


@pytest.fixture(scope="module")
def builds_only() -> dict[str, Any]:
    return synthesis(**{"blue-faas.kubernetes": "null"}).template


def test_there_is_no_deploy_function_and_nothing_that_asks_for_a_cluster(builds_only: dict[str, Any]) -> None:
    assert resources(builds_only, "AWS::EKS::AccessEntry") == {}
    assert resources(builds_only, "AWS::Lambda::Alias") == {}
    assert [name for name in builds_only["Resources"] if "Deploy" in name and "Deployment" not in name] == []
    assert "eks:" not in json.dumps(builds_only)
    assert "DeployRoleArn" not in builds_only["Outputs"]


def test_the_api_has_no_routes_about_apps(builds_only: dict[str, Any], template: dict[str, Any]) -> None:
    def routes(of: dict[str, Any]) -> set[str]:
        return {route["RouteKey"] for route in resources(of, "AWS::ApiGatewayV2::Route").values()}

    gone = routes(template) - routes(builds_only)
    assert gone == {route for route in routes(template) if "/apps" in route or route.endswith("/deploy")}
    assert routes(builds_only) < routes(template)


def test_a_built_task_is_done_and_a_cancelled_one_skipped(builds_only: dict[str, Any]) -> None:
    states = state_machine(builds_only)["States"]
    assert [rule["Next"] for rule in states["SignOrEnd"]["Choices"]] == ["SignImage", "SignImage", "Skipped"]
    assert states["SignImage"]["Next"] == "Done"
    assert not {"DeployOrEnd", "Deploy", "RecordDeployment"} & states.keys()
    invoked = permissions(builds_only, "BuildPipelineStateMachine")["lambda:InvokeFunction"]
    assert all(any(name in function for name in ("RecordResult", "SignImage", "WaitForSlot")) for function in invoked)


def test_only_what_is_there_is_watched(builds_only: dict[str, Any]) -> None:
    alarms = [alarm["AlarmName"] for alarm in resources(builds_only, "AWS::CloudWatch::Alarm").values()]
    assert "BlueFaas-ApiLatency-build-and-push" in alarms
    assert [name for name in alarms if "deploy" in name] == []
    (dashboard,) = resources(builds_only, "AWS::CloudWatch::Dashboard").values()
    assert "/api/v1/deploy" not in text(dashboard["DashboardBody"])


def test_the_functions_know_whether_there_is_a_cluster(builds_only: dict[str, Any], template: dict[str, Any]) -> None:
    for of, said in ((builds_only, set()), (template, {"<DeployerLiveB99987BE>"})):
        variables = [
            function["Environment"]["Variables"] for function in resources(of, "AWS::Lambda::Function").values()
        ]
        assert {text(found["DEPLOY_FUNCTION"]) for found in variables if "DEPLOY_FUNCTION" in found} == said


def test_nothing_is_found_in_it() -> None:
    assert synthesis(**{"blue-faas.kubernetes": "null"}).findings == []
