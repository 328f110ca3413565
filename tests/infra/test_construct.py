"""The service in a stack of another team, and the ids of what installations have."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from infra.construct import BlueFaas
from infra.settings import Settings
from tests.infra.reading import resources, text
from tests.infra.test_api_and_storage import STATE

KEPT = {
    "AlarmsKey3C2381B3",
    "StorageAccessLogs96FB524C",
    "StorageCodeEBE9F578",
    "StorageCredentialsKey2B6A8276",
    "StorageImagesCFC0E004",
    "StorageSigningKey89E41C39",
    "StorageTasks7A5B7490",
    "TenancyPolicies9A07A512",
}
"""What is in AWS under these ids: under another one it would be made anew, and be empty."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> cdk.Stack:
    """A stack of another team with the service in it, in an app that sets none of the CDK's feature flags."""
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("platform")), context={"aws:cdk:disable-asset-staging": True})
    stack = cdk.Stack(app, "BlueFaas")
    sqs.Queue(stack, "Theirs")
    service = BlueFaas(stack, "Default", settings=Settings.from_file({}))
    service.grant_calls(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()))
    cdk.CfnOutput(stack, "BuildsFunction", value=service.function("builds").function_name)
    cdk.CfnOutput(stack, "FunctionsUrl", value=service.api_url)
    return stack


@pytest.fixture(scope="module")
def theirs(stack: cdk.Stack) -> dict[str, Any]:
    """The template of that stack."""
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    template: dict[str, Any] = app.synth().get_stack_by_name("BlueFaas").template
    return template


def service(stack: cdk.Stack) -> BlueFaas:
    """The service in a stack."""
    (found,) = (each for each in stack.node.find_all() if isinstance(each, BlueFaas))
    return found


def test_what_is_kept_has_the_ids_that_installations_have(template: dict[str, Any]) -> None:
    assert {name for name, resource in template["Resources"].items() if resource["Type"] in STATE} == KEPT


def test_the_stack_is_the_construct_and_its_outputs(template: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Also with other feature flags. Only policies are written otherwise: one flag joins their statements."""
    added = theirs["Resources"].keys() - template["Resources"].keys()
    assert {re.sub("[0-9A-F]{8}$", "", name) for name in added} == {"Theirs", "Caller", "CallerDefaultPolicy"}
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Policy":
            assert theirs["Resources"][name] == resource
    assert theirs["Outputs"].keys() == {"BuildsFunction", "FunctionsUrl"}
    assert template["Outputs"]["ApiUrl"]["Value"] == theirs["Outputs"]["FunctionsUrl"]["Value"]


def test_a_role_may_be_let_in(theirs: dict[str, Any]) -> None:
    (policy,) = (
        policy for name, policy in resources(theirs, "AWS::IAM::Policy").items() if name.startswith("CallerDefault")
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert text(statement["Resource"]).endswith("/*/*/api/v1/*")


def test_functions_are_asked_for_by_their_handler(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="no function has the handler 'build'; there are builds, close_task"):
        service(stack).function("build")


def test_outputs_are_there_for_every_attribute(stack: cdk.Stack, template: dict[str, Any]) -> None:
    assert service(stack).outputs.keys() == template["Outputs"].keys()


def test_a_stack_has_one(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="BlueFaas/Second would have the names of BlueFaas/Default"):
        BlueFaas(stack, "Second", settings=Settings.from_file({}))


def test_a_stack_can_name_it() -> None:
    settings = Settings.from_file({})
    with pytest.raises(ValueError, match="48 characters at most"):
        BlueFaas(cdk.Stack(cdk.App(), "P" * 49), "Functions", settings=settings)
    nested = cdk.NestedStack(cdk.Stack(cdk.App(), "Platform"), "Nested")
    with pytest.raises(ValueError, match="is in a nested stack"):
        BlueFaas(nested, "Functions", settings=settings)
