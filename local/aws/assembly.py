"""Deploys a synthesized CDK app (a cloud assembly, ``cdk.out``) to the emulator: what ``cdk deploy`` does, and quickly.

Assets go to the bootstrap bucket under their content-addressed keys, then the stack is created or updated. Container
image assets are left out: CodeBuild's image is not used on this machine, the runner executes its buildspec directly.
Formats: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html (manifest.json, *.assets.json).
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.bundles import transform_asset
from local.aws.credentials import RunCredentials
from local.aws.settings import DEFAULT_ACCOUNT, DEFAULT_REGION

logger: Final = logging.getLogger(__name__)

TEMPLATE_BODY_LIMIT: Final = 51_200
"""Bytes that CreateStack takes inline; a larger template is handed over by URL."""
BOOTSTRAP_VERSION: Final = "30"
"""Answer to the template's check of the bootstrap stack's version (assemblies ask for 6 or more)."""
UPLOADS_AT_ONCE: Final = 8
STANDSTILL_SECONDS: Final = 60.0
FIRST_POLL_SECONDS: Final = 0.02
LAST_POLL_SECONDS: Final = 0.5
NOTHING_TO_UPDATE: Final = "No updates are to be performed"
SETTLED: Final = ("_COMPLETE", "_FAILED")


class DeployError(Exception):
    """The stack could not be deployed; the message lists the resources that failed and why."""


@dataclass(frozen=True, slots=True)
class _Clients:
    s3: Any
    cloudformation: Any
    ssm: Any


def deploy_assembly(
    assembly_dir: Path,
    stack_name: str,
    endpoint: str,
    credentials: RunCredentials,
    *,
    region: str = DEFAULT_REGION,
    account: str = DEFAULT_ACCOUNT,
    transform: Callable[[Path], bytes] = transform_asset,
    timeout: float = STANDSTILL_SECONDS,
) -> dict[str, str]:
    """Deploy stack ``stack_name`` of the assembly and return its outputs (name to value).

    ``transform`` packs an asset that is a folder; ``timeout`` is how many seconds may pass
    without anything new of the stack. Raises `DeployError`.
    """
    clients = _clients(endpoint, region, credentials)
    artifact = _stack_artifact(assembly_dir, stack_name)
    properties = artifact["properties"]
    if parameter := properties.get("bootstrapStackVersionSsmParameter"):
        clients.ssm.put_parameter(Name=parameter, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)

    def resolve(text: str) -> str:
        values = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws"}
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    _upload_assets(clients.s3, assembly_dir, _manifests(assembly_dir, artifact), resolve, transform)
    template = (assembly_dir / properties["templateFile"]).read_text(encoding="utf-8")
    request: dict[str, Any] = {
        "StackName": properties.get("stackName", stack_name),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in properties.get("parameters", {}).items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in properties.get("tags", {}).items()],
    }
    if len(template.encode()) <= TEMPLATE_BODY_LIMIT:
        request["TemplateBody"] = template
    else:
        location = resolve(properties["stackTemplateAssetObjectUrl"]).removeprefix("s3://")
        request["TemplateURL"] = f"{endpoint}/{location}"
    return _deploy_stack(clients.cloudformation, request, timeout)


def _clients(endpoint: str, region: str, credentials: RunCredentials) -> _Clients:
    config = Config(s3={"addressing_style": "path"}, max_pool_connections=UPLOADS_AT_ONCE)
    s3, cloudformation, ssm = (
        credentials.client(service, endpoint, region, config=config) for service in ("s3", "cloudformation", "ssm")
    )
    return _Clients(s3, cloudformation, ssm)


def _stack_artifact(assembly_dir: Path, stack_name: str) -> Mapping[str, Any]:
    try:
        manifest = json.loads((assembly_dir / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DeployError(f"{assembly_dir} holds no manifest.json: synthesize the app first") from None
    stacks = {
        key: artifact
        for key, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    for key, artifact in stacks.items():
        if stack_name in (key, artifact["properties"].get("stackName")):
            return dict(artifact)
    raise DeployError(f"{assembly_dir} holds no stack {stack_name}; it has {', '.join(sorted(stacks)) or 'none'}")


def _manifests(assembly_dir: Path, artifact: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the asset manifests that the stack depends on."""
    manifest = json.loads((assembly_dir / "manifest.json").read_text(encoding="utf-8"))
    needed = (manifest["artifacts"][name] for name in artifact.get("dependencies", []))
    return [
        json.loads((assembly_dir / item["properties"]["file"]).read_text(encoding="utf-8"))
        for item in needed
        if item["type"] == "cdk:asset-manifest"
    ]


def _upload_assets(
    s3: Any,
    assembly_dir: Path,
    manifests: list[Mapping[str, Any]],
    resolve: Callable[[str], str],
    transform: Callable[[Path], bytes],
) -> None:
    for name in (name for manifest in manifests for name in manifest.get("dockerImages", {})):
        logger.info("Container image asset %s is not needed on this machine, skipped", name)
    uploads = list(_file_uploads(manifests, resolve))
    for bucket in {bucket for _, bucket, _ in uploads}:
        _ensure_bucket(s3, bucket)

    def upload(source: Mapping[str, Any], bucket: str, key: str) -> None:
        if _exists(s3, bucket, key):
            return
        path = assembly_dir / source["path"]
        body = transform(path) if source["packaging"] == "zip" and path.is_dir() else path.read_bytes()
        s3.put_object(Bucket=bucket, Key=key, Body=body)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        for done in [pool.submit(upload, *each) for each in uploads]:
            done.result()


def _file_uploads(
    manifests: list[Mapping[str, Any]], resolve: Callable[[str], str]
) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """List source, bucket and key of each file asset."""
    for manifest in manifests:
        for asset in manifest.get("files", {}).values():
            for destination in asset["destinations"].values():
                yield asset["source"], resolve(destination["bucketName"]), resolve(destination["objectKey"])


def _ensure_bucket(s3: Any, bucket: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _deploy_stack(cloudformation: Any, request: Mapping[str, Any], timeout: float) -> dict[str, str]:
    name = request["StackName"]
    before = _describe(cloudformation, name)
    if before is not None and before["StackStatus"] in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
        # A stack whose creation failed cannot be updated, on AWS neither.
        cloudformation.delete_stack(StackName=name)
        _settle(cloudformation, name, timeout)
        before = None
    try:
        if before is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        if before is None or NOTHING_TO_UPDATE not in message:
            raise DeployError(f"Stack {name} was refused: {message}") from error
    after = _settle(cloudformation, name, timeout)
    if after is None or after["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        status = after["StackStatus"] if after else "gone"
        raise DeployError("\n".join([f"Stack {name} is {status}:", *_failures(cloudformation, name)]))
    return {output["OutputKey"]: output["OutputValue"] for output in after.get("Outputs", [])}


def _describe(cloudformation: Any, name: str) -> Mapping[str, Any] | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    current = [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    return current[0] if current else None


def _settle(cloudformation: Any, name: str, timeout: float) -> Mapping[str, Any] | None:
    """Wait until the stack's status is final. The emulator needs well under a second: asked often at first."""
    deadline, pause, seen = time.monotonic() + timeout, FIRST_POLL_SECONDS, 0
    while True:
        stack = _describe(cloudformation, name)
        if stack is None or (stack["StackStatus"].endswith(SETTLED) and "CLEANUP" not in stack["StackStatus"]):
            return stack
        if time.monotonic() > deadline:
            events = len(cloudformation.describe_stack_events(StackName=name)["StackEvents"])
            if events <= seen:
                raise DeployError(f"Stack {name} is still {stack['StackStatus']}; nothing happened for {timeout:g} s")
            deadline, seen = time.monotonic() + timeout, events
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_POLL_SECONDS)


def _failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in failed
    ]
