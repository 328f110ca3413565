"""The deploy function: restored from a snapshot, and reached by that version of it alone."""

from typing import Any

from tests.infra.reading import resources, state_machine, text
from tests.support.isolation import tagged


def test_it_is_restored_from_a_snapshot(template: dict[str, Any]) -> None:
    functions = resources(template, "AWS::Lambda::Function")
    (deploy,) = [function for name, function in functions.items() if name.startswith("DeployerFunction")]
    assert deploy["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    (alias,) = resources(template, "AWS::Lambda::Alias").values()
    assert alias["Name"] == "live"
    assert text(alias["FunctionName"]).startswith("<DeployerFunction")


def test_every_route_about_apps_leads_to_the_alias(template: dict[str, Any]) -> None:
    integrations = resources(template, "AWS::ApiGatewayV2::Integration")
    targets = {
        route["RouteKey"]: text(integrations[text(route["Target"]).partition("<")[2].rstrip(">")]["IntegrationUri"])
        for route in resources(template, "AWS::ApiGatewayV2::Route").values()
        if "/apps" in route["RouteKey"] or route["RouteKey"].endswith("/deploy")
    }
    assert set(targets) == set(tagged("Apps"))
    assert all("DeployerLive" in target for target in targets.values())


def test_the_pipeline_deploys_through_the_alias_and_repeats_only_what_was_not_executed(
    template: dict[str, Any],
) -> None:
    deploy = state_machine(template)["States"]["Deploy"]
    assert "DeployerLive" in text(deploy["Arguments"]["FunctionName"])
    retried = {error for retry in deploy["Retry"] for error in retry["ErrorEquals"]}
    assert retried == {
        "Lambda.TooManyRequestsException",
        "Lambda.SnapStartNotReadyException",
        "Lambda.SnapStartTimeoutException",
    }
    (caught,) = deploy["Catch"]
    assert caught["Next"] == "RecordDeployment"
    assert "could not be carried out" in caught["Output"]


def test_the_deploy_function_is_told_which_task_alone(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    assert set(states["Deploy"]["Arguments"]["Payload"]) == {"workspace_id", "task_id"}
