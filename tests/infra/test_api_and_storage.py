"""The API's routes, the functions behind them, and what is kept."""

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from functions.tenancy.table_keys import PARTITION, WORKSPACE_ID
from infra.settings import AuthorizerError, Limits, Settings
from infra.tools import openapi
from local.cloud.assembly import OVERRIDES
from tests.infra.conftest import ANOTHER, OTHER, ROOT, stack_with, synthesis
from tests.infra.reading import resources, text

LAMBDA_PAYLOAD = 6 * 1024 * 1024
"""Bytes of event that a synchronous invocation takes (Lambda quotas)."""


def routes(template: dict[str, Any]) -> dict[str, str]:
    return {
        route["RouteKey"]: route["AuthorizationType"]
        for route in resources(template, "AWS::ApiGatewayV2::Route").values()
    }


OPEN = {"GET /", "GET /health", "GET /openapi.json", "GET /docs"}


def test_every_route_but_the_open_ones_asks_who_calls(template: dict[str, Any]) -> None:
    assert {route for route, kind in routes(template).items() if kind == "NONE"} == OPEN
    assert set(routes(template).values()) == {"AWS_IAM", "NONE"}


def test_the_routes_are_those_of_the_description(template: dict[str, Any]) -> None:
    described = {
        f"{method.upper()} {path}" for path, operations in openapi.describe()["paths"].items() for method in operations
    }
    assert set(routes(template)) == described | OPEN | {"ANY /{proxy+}"}


def test_jwt_in_place_of_iam() -> None:
    template = synthesis(**OTHER).template
    assert {kind for route, kind in routes(template).items() if route not in OPEN and "/ui" not in route} == {"JWT"}
    (authorizer,) = resources(template, "AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["JwtConfiguration"] == {
        "Issuer": "https://issuer.example.com",
        "Audience": ["blue-faas"],
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"blue-faas.authorizer": "jwt"},
        {"blue-faas.authorizer": "password"},
        {"blue-faas.limits.request_bites": 1},
        {"blue-faas.limits.request_bytes": 5_000_000},
        {"blue-faas.limits.upload_bytes": 209_715_201},
        {"blue-faas.limits.running_builds": 0},
        {"blue-faas.limits.running_builds": 10, "blue-faas.limits.kept_tasks": 9},
        {"blue-faas.builds.timeout_minutes": "soon"},
        {"blue-faas.limits.waiting_requests": 61},
        {"blue-faas.limits.all_waiting_requests": 80},
        {"blue-faas.concurrency.health": 0},
        {"blue-faas.concurrency.another": 1},
    ],
)
def test_settings_that_cannot_be_meant_stop_the_synthesis(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        stack_with(changed, tmp_path)


def test_no_authorizer_must_be_asked_for_by_name(tmp_path: Path) -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    with pytest.raises(AuthorizerError, match=r"-c blue-faas\.authorizer=none"):
        stack_with({"blue-faas": {**context["blue-faas"], "authorizer": "none"}}, tmp_path)
    assert set(routes(synthesis(**OVERRIDES).template).values()) == {"NONE"}


def test_tenancy_is_by_policy_and_open_must_be_asked_for_by_name(tmp_path: Path) -> None:
    assert Settings.from_file({}).tenancy == "policy"
    with pytest.raises(pydantic.ValidationError, match=r"-c blue-faas\.tenancy=open"):
        stack_with({"blue-faas.authorizer": "none"}, tmp_path)
    assert Settings.from_file({"blue-faas.tenancy": "open"}).tenancy == "open"


@pytest.mark.parametrize(("changed", "told"), [({}, True), (ANOTHER, False)], ids=["nobody", "a role"])
def test_the_synthesis_tells_when_nobody_administers(changed: dict[str, object], told: bool) -> None:
    assert any("blue-faas.administrators" in message for message in synthesis(**changed).messages) is told


def test_administrators_of_the_command_line() -> None:
    arns = ["arn:aws:iam::123456789012:role/operators", "arn:aws:iam::123456789012:user/me"]
    assert Settings.from_file({"blue-faas.administrators": ",".join(arns)}).administrators == arns


def test_the_functions_know_the_claim_that_lists_workspaces() -> None:
    functions = resources(synthesis(**OTHER).template, "AWS::Lambda::Function")
    (builds,) = [function for name, function in functions.items() if name.startswith("ApiBuilds")]
    assert builds["Environment"]["Variables"]["JWT_WORKSPACES_CLAIM"] == "cognito:groups"


def test_the_largest_request_fits_into_lambdas_event_as_base64() -> None:
    largest = Limits.model_json_schema()["properties"]["request_bytes"]["maximum"]
    headers_and_context = 16 * 1024
    assert largest * 4 / 3 + headers_and_context < LAMBDA_PAYLOAD


def test_api_functions_answer_before_api_gateway_gives_up(template: dict[str, Any]) -> None:
    functions = resources(template, "AWS::Lambda::Function")
    behind_api = {
        text(integration["IntegrationUri"]).strip("<>").split(".")[0]
        for integration in resources(template, "AWS::ApiGatewayV2::Integration").values()
    }
    assert behind_api
    aliases = {
        name: text(alias["FunctionName"]).strip("<>")
        for name, alias in resources(template, "AWS::Lambda::Alias").items()
    }
    assert all(functions[aliases.get(name, name)]["Timeout"] < 30 for name in behind_api)


def test_every_function_runs_on_the_runtime_its_bundle_was_made_for(template: dict[str, Any]) -> None:
    for function in resources(template, "AWS::Lambda::Function").values():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["TracingConfig"] == {"Mode": "Active"}


def test_buckets_are_private_and_take_tls_only(template: dict[str, Any]) -> None:
    buckets = resources(template, "AWS::S3::Bucket")
    assert len(buckets) == len(resources(template, "AWS::S3::BucketPolicy"))
    for bucket in buckets.values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
    for policy in resources(template, "AWS::S3::BucketPolicy").values():
        first = policy["PolicyDocument"]["Statement"][0]
        assert first["Effect"] == "Deny"
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_code_bucket_keeps_versions_and_tells_eventbridge(template: dict[str, Any]) -> None:
    (bucket,) = [b for name, b in resources(template, "AWS::S3::Bucket").items() if name.startswith("StorageCode")]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    prefixes = {rule.get("Prefix") for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert {"uploads/", "uploads-staged/", "build-sources/", "build-artifacts/"} <= prefixes


def test_rows_expire_and_can_be_recovered(template: dict[str, Any]) -> None:
    tables = resources(template, "AWS::DynamoDB::Table")
    for table in tables.values():
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    keys = {name: [key["AttributeName"] for key in table["KeySchema"]] for name, table in tables.items()}
    (tasks,) = [name for name in tables if name.startswith("StorageTasks")]
    (policies,) = [name for name in tables if name.startswith("TenancyPolicies")]
    assert keys == {tasks: ["workspace_id", "task_id"], policies: [PARTITION, WORKSPACE_ID]}
    assert tables[tasks]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "TimeToLiveSpecification" not in tables[policies], "a workspace does not end by itself"


STATE = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::ECR::Repository"}


def test_state_outlives_the_stack_but_not_a_failed_first_try(template: dict[str, Any]) -> None:
    for name, resource in template["Resources"].items():
        if resource["Type"] in STATE and not name.startswith("AlarmsKey"):
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    # "Retain" keeps what a failed creation has made: its name, and nobody knows of it.
    assert {resource.get("DeletionPolicy") for resource in template["Resources"].values()} <= {
        None,
        "Delete",
        "RetainExceptOnCreate",
    }


NAMES = {"AlarmName", "BucketName", "DashboardName", "FunctionName", "LogGroupName", "QueueName", "RepositoryName",
         "RoleName", "RuleName", "StateMachineName", "TableName", "TopicName"}  # fmt: skip


def test_no_name_is_taken_that_another_stack_may_have(template: dict[str, Any]) -> None:
    """AWS makes the names, or the stack's own is in them; what outlives the stack has no name of ours at all."""
    named = {
        (resource["Type"], name)
        for resource in template["Resources"].values()
        for key, name in resource.get("Properties", {}).items()
        if isinstance(name, str) and (key in NAMES or (key == "Name" and resource["Type"] in NAMED_BY_NAME))
    }
    assert {kind for kind, _ in named} & STATE == set()
    assert {name for _, name in named if "BlueFaas" not in name} == set()


NAMED_BY_NAME = {"AWS::Events::EventBus", "AWS::Events::Rule", "AWS::CodeBuild::Project", "AWS::KMS::Alias"}


def test_logs_that_services_deliver_are_named_so_that_no_policy_grows(template: dict[str, Any]) -> None:
    groups = resources(template, "AWS::Logs::LogGroup")
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    (stage,) = resources(template, "AWS::ApiGatewayV2::Stage").values()
    (destination,) = machine["LoggingConfiguration"]["Destinations"]
    for arn in (
        text(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]),
        text(stage["AccessLogSettings"]["DestinationArn"]),
    ):
        (name,) = [name for name in groups if name in arn]
        assert groups[name]["LogGroupName"].startswith("/aws/vendedlogs/BlueFaas/")


@pytest.mark.parametrize(
    ("changed", "caller"),
    [
        ({}, "$context.identity.userArn"),
        (OTHER, "$context.authorizer.claims.sub"),
        (OVERRIDES, None),
    ],
    ids=["iam", "jwt", "none"],
)
def test_the_access_log_tells_who_called(changed: dict[str, object], caller: str | None) -> None:
    (stage,) = resources(synthesis(**changed).template, "AWS::ApiGatewayV2::Stage").values()
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged.get("caller") == caller
    assert "$context.authorizer.principalId" not in logged.values(), "only Lambda authorizers have it"
