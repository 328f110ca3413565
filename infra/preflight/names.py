"""Checks of the stack's state, and of names that others may have taken."""

import pkgutil
from collections.abc import Callable, Iterator
from typing import Final

import boto3
from botocore.exceptions import ClientError

from functions import handlers
from infra import resource_names
from infra.preflight.findings import Finding, ok, problem
from infra.settings import Settings

_MISSING: Final = frozenset({"404", "NoSuchBucket", "RepositoryNotFoundException", "ResourceNotFoundException"})


def stack(session: boto3.Session, name: str) -> Iterator[Finding]:
    """Check that CloudFormation can create or update the stack."""
    subject = f"stack {name}"
    try:
        (found,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        yield ok(subject, "not there yet: it will be created")
        return
    status = str(found["StackStatus"])
    if status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
        if found.get("EnableTerminationProtection"):
            unprotect = f"aws cloudformation update-termination-protection --stack-name {name}"
            remedy = f"Set termination_protection to false, and: {unprotect} --no-enable-termination-protection"
            yield problem(subject, f"{status}, and protected: cdk deploy cannot delete and create it", remedy)
        else:
            yield ok(subject, f"{status}: cdk deploy deletes it and creates it anew")
    elif status.endswith("_IN_PROGRESS"):
        yield problem(subject, status, "Wait until CloudFormation is done.")
    elif status.endswith("_FAILED"):
        remedy = f"Look at its events; then: aws cloudformation continue-update-rollback --stack-name {name}"
        yield problem(subject, status, remedy)
    else:
        yield ok(subject, f"{status}: it will be updated")


def taken(session: boto3.Session, settings: Settings) -> Iterator[Finding]:
    """Check that the names of a new stack's resources are free."""
    name = settings.stack_name
    cloudformation = session.client("cloudformation")
    try:
        cloudformation.describe_stacks(StackName=name)
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
    else:
        return
    found = [*_storage(session, settings), *_running(session, settings), *_named_after_the_stack(session, settings)]
    for what in found:
        yield problem(f"name of {what}", "taken", f"Remove it, or choose another name than {name} in cdk.json.")
    if not found:
        yield ok("names", "none is taken")


def _storage(session: boto3.Session, settings: Settings) -> Iterator[str]:
    bucket, repository = settings.storage.code_bucket_name, settings.storage.repository_name
    if bucket is not None and _there(lambda: session.client("s3").head_bucket(Bucket=bucket)):
        yield f"bucket {bucket}"
    if repository is not None and _there(
        lambda: session.client("ecr").describe_repositories(repositoryNames=[repository])
    ):
        yield f"repository {repository}"


def _running(session: boto3.Session, settings: Settings) -> Iterator[str]:
    name = settings.stack_name
    modules = {module.name for module in pkgutil.iter_modules(handlers.__path__)}
    if settings.kubernetes is None:
        modules.remove("deploy")
    functions = {resource_names.function(name, module) for module in modules}
    listed = session.client("lambda").get_paginator("list_functions").paginate()
    there = {function["FunctionName"] for page in listed for function in page["Functions"]}
    yield from (f"function {function}" for function in sorted(functions & there))
    machine = resource_names.state_machine(name)
    machines = session.client("stepfunctions").get_paginator("list_state_machines").paginate()
    if any(found["name"] == machine for page in machines for found in page["stateMachines"]):
        yield f"state machine {machine}"


def _named_after_the_stack(session: boto3.Session, settings: Settings) -> Iterator[str]:
    name = settings.stack_name
    if _there(lambda: session.client("events").describe_event_bus(Name=name)):
        yield f"event bus {name}"
    prefix = f"/aws/vendedlogs/{name}/"
    for group in session.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        yield f"log group {group['logGroupName']}"
    cloudwatch = session.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]
    if alarms:
        yield f"alarm {alarms[0]['AlarmName']}"
    listed = cloudwatch.list_dashboards(DashboardNamePrefix=name).get("DashboardEntries", [])
    there = {dashboard["DashboardName"] for dashboard in listed}
    namespaces = settings.kubernetes.dashboards if settings.kubernetes is not None else []
    wanted = {resource_names.dashboard(name, namespace) for namespace in (None, *namespaces)}
    yield from (f"dashboard {dashboard}" for dashboard in sorted(wanted & there))


def _there(ask: Callable[[], object]) -> bool:
    """Return whether ``ask`` finds something. 403 means that it exists: a bucket of another account."""
    try:
        ask()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403 and error.operation_name == "HeadBucket":
            return True
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise
    return True
