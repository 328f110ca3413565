"""The API's routes, the functions behind them, and what is kept."""

from typing import Any

import pydantic
import pytest

from infra.settings import Limits
from tests.infra.conftest import synthesize
from tests.infra.reading import resources, text

LAMBDA_PAYLOAD = 6 * 1024 * 1024
"""Bytes of event that a synchronous invocation takes (Lambda quotas)."""


def routes(template: dict[str, Any]) -> dict[str, str]:
    return {
        route["RouteKey"]: route["AuthorizationType"]
        for route in resources(template, "AWS::ApiGatewayV2::Route").values()
    }


def test_every_route_but_health_asks_who_calls(template: dict[str, Any]) -> None:
    assert routes(template) == {
        "POST /api/v1/build-and-push": "AWS_IAM",
        "GET /api/v1/tasks/{task_id}": "AWS_IAM",
        "POST /api/v1/deploy": "AWS_IAM",
        "ANY /{proxy+}": "AWS_IAM",
        "GET /health": "NONE",
    }


def test_jwt_in_place_of_iam() -> None:
    jwt = {"issuer": "https://issuer.example.com", "audience": ["blue-faas"]}
    template = synthesize(**{"blue-faas.authorizer": "jwt", "blue-faas.jwt": jwt})
    assert {kind for route, kind in routes(template).items() if route != "GET /health"} == {"JWT"}
    (authorizer,) = resources(template, "AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["JwtConfiguration"] == {"Issuer": jwt["issuer"], "Audience": jwt["audience"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"blue-faas.authorizer": "jwt"},
        {"blue-faas.authorizer": "password"},
        {"blue-faas.limits.request_bites": 1},
        {"blue-faas.limits.request_bytes": 5_000_000},
        {"blue-faas.builds.timeout_minutes": "soon"},
    ],
)
def test_settings_that_cannot_be_meant_stop_the_synthesis(changed: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        synthesize(**changed)


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
    assert all(functions[name]["Timeout"] < 30 for name in behind_api)


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
    assert {"uploads/", "build-sources/", "build-artifacts/"} <= prefixes


def test_rows_expire_and_can_be_recovered(template: dict[str, Any]) -> None:
    (table,) = resources(template, "AWS::DynamoDB::Table").values()
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["workspace_id", "task_id"]


def test_state_outlives_the_stack(template: dict[str, Any]) -> None:
    kept = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::ECR::Repository"}
    for resource in template["Resources"].values():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == "Retain"
