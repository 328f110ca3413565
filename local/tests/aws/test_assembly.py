"""Deploying a cloud assembly."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws.assembly import TEMPLATE_BODY_LIMIT, DeployError, deploy_assembly
from local.cloud.pack import movable
from local.tests.aws.conftest import Cloud
from local.tests.aws.stack import CODE_KEY, STACK

BUCKET = "cdk-hnb659fds-assets-123456789012-ap-northeast-2"
SMALL_STACK: dict[str, Any] = {
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}},
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
}


@pytest.fixture
def small(assembly: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes an assembly with one small stack in place of the probe stack."""

    def make(stack_name: str, **changes: Any) -> Path:
        folder = tmp_path / "small"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(assembly, folder)
        (folder / "Probe.template.json").write_text(json.dumps(SMALL_STACK | changes))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["artifacts"][STACK]["properties"]["stackName"] = stack_name
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


def deploy(cloud: Cloud, folder: Path, stack: str = STACK) -> dict[str, str]:
    """Deploy to the running cloud."""
    return deploy_assembly(folder, stack, cloud.endpoint, cloud.credentials)


def test_deploying_again_changes_nothing_and_uploads_nothing(
    cloud: Cloud, outputs: dict[str, str], assembly: Path
) -> None:
    s3 = cloud.client("s3")
    before = s3.head_object(Bucket=BUCKET, Key=CODE_KEY)["LastModified"]
    packed: list[Path] = []

    def transform(path: Path) -> bytes:
        packed.append(path)
        return b""

    again = deploy_assembly(assembly, STACK, cloud.endpoint, cloud.credentials, transform=transform)
    assert again == outputs
    assert packed == []
    assert s3.head_object(Bucket=BUCKET, Key=CODE_KEY)["LastModified"] == before


def test_a_packed_assembly_is_the_same_anywhere(
    cloud: Cloud, outputs: dict[str, str], assembly: Path, tmp_path: Path
) -> None:
    """The wheel of `blue` has it so: packed here, deployed where nothing of here is."""
    moved = tmp_path / "moved"
    shutil.copytree(assembly, moved)
    assets = json.loads((moved / "Probe.assets.json").read_text())
    assets["files"]["code"]["source"]["path"] = str(moved / "asset.code")
    assets["files"]["code"]["destinations"]["current"]["objectKey"] = "packed.zip"
    (moved / "Probe.assets.json").write_text(json.dumps(assets))
    for name, content in movable(moved, "kind").items():
        (tmp_path / "elsewhere" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "elsewhere" / name).write_bytes(content)
    shutil.rmtree(moved)
    folder = tmp_path / "elsewhere" / "assemblies" / "kind"
    assert deploy_assembly(folder, STACK, cloud.endpoint, cloud.credentials) == outputs
    here, there = (
        cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in (CODE_KEY, "packed.zip")
    )
    assert here == there


def test_an_update_is_applied(cloud: Cloud, small: Callable[..., Path]) -> None:
    first = deploy(cloud, small("updated"))
    resources = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 77}}}
    second = deploy(cloud, small("updated", Resources=resources), "updated")
    assert second == first
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=second["Url"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "77"


@pytest.mark.parametrize("over", [0, 1])
def test_a_template_at_and_above_the_limit_of_a_request(
    cloud: Cloud, small: Callable[..., Path], over: int, tmp_path: Path
) -> None:
    folder = small(f"large-{over}", Description="x" * 1000, Metadata={"padding": ""})
    path = folder / "Probe.template.json"
    padding = "x" * (TEMPLATE_BODY_LIMIT + over - path.stat().st_size)
    path.write_text(path.read_text().replace('"padding": ""', f'"padding": "{padding}"'))
    assert path.stat().st_size == TEMPLATE_BODY_LIMIT + over
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="probe-template.json")
    assert deploy(cloud, folder)["Url"]


def test_a_failure_names_the_resource_and_the_next_deploy_starts_anew(cloud: Cloud, small: Callable[..., Path]) -> None:
    entry = {"ClusterName": "no-such-cluster", "PrincipalArn": "arn:aws:iam::123456789012:role/x"}
    broken = {**SMALL_STACK["Resources"], "Entry": {"Type": "AWS::EKS::AccessEntry", "Properties": entry}}
    with pytest.raises(DeployError) as failed:
        deploy(cloud, small("broken", Resources=broken))
    message = str(failed.value)
    assert "Stack broken is ROLLBACK_COMPLETE" in message
    assert "Entry (AWS::EKS::AccessEntry): " in message
    assert "No cluster found for name: no-such-cluster" in message
    assert deploy(cloud, small("broken"))["Url"]


def test_an_access_entry_can_change_and_go(cloud: Cloud, small: Callable[..., Path]) -> None:
    def resources(*entries: tuple[str, str]) -> dict[str, Any]:
        made = {
            f"Entry{index}": {
                "Type": "AWS::EKS::AccessEntry",
                "Properties": {"ClusterName": "blue-faas-local", "PrincipalArn": role, "KubernetesGroups": [group]},
            }
            for index, (role, group) in enumerate(entries)
        }
        return {**SMALL_STACK["Resources"], **made}

    def groups() -> dict[str, str]:
        eks = cloud.client("eks")
        roles = [r for r in eks.list_access_entries(clusterName="blue-faas-local")["accessEntries"] if "/changing" in r]
        entries = [eks.describe_access_entry(clusterName="blue-faas-local", principalArn=role) for role in roles]
        return {e["accessEntry"]["principalArn"]: e["accessEntry"]["kubernetesGroups"][0] for e in entries}

    one, two = (f"arn:aws:iam::123456789012:role/changing-{number}" for number in (1, 2))
    deploy(cloud, small("entries", Resources=resources((one, "a"))))
    assert groups() == {one: "a"}
    deploy(cloud, small("entries", Resources=resources((one, "b"))))
    assert groups() == {one: "b"}
    deploy(cloud, small("entries", Resources=resources((two, "b"))))
    assert groups() == {two: "b"}
    deploy(cloud, small("entries"))
    assert groups() == {}


def test_what_is_not_there_is_said(cloud: Cloud, assembly: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"no manifest\.json: synthesize the app first"):
        deploy(cloud, tmp_path)
    with pytest.raises(DeployError, match="no stack Other; it has Probe"):
        deploy(cloud, assembly, "Other")
