"""The checks before a deploy, held against answers as AWS gives them (recorded forms, through botocore's Stubber)."""

import datetime
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.preflight import account, cluster, machine, names, quotas, tenancy
from infra.preflight.__main__ import main
from infra.preflight.findings import Finding, State, run
from infra.settings import Settings
from tests.infra.conftest import OTHER, synthesis

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
SETTINGS = Settings.from_file({})
MACHINE_ROLE = {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/me", "Account": ACCOUNT, "UserId": "AROA:me"}


class Recorded:
    """A session whose clients answer what a test has recorded."""

    region_name = REGION

    def __init__(self) -> None:
        self._session: Any = boto3.Session("a" * 20, "b" * 40, region_name=REGION)
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}
        self._stack = ExitStack()

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
            self._stubs[service] = self._stack.enter_context(Stubber(self._clients[service]))
        return self._clients[service]

    def answers(self, service: str, operation: str, response: dict[str, Any]) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, response)

    def refuses(self, service: str, operation: str, code: str, status: int = 400, message: str = "") -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code, message, http_status_code=status)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def aws() -> Iterator[Any]:
    recorded = Recorded()
    yield recorded
    recorded.close()


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def quota(name: str, value: float) -> dict[str, Any]:
    return {"ServiceCode": "codebuild", "QuotaCode": "L-2DC20C30", "QuotaName": name, "Value": value}


@pytest.mark.parametrize(
    ("value", "state"), [(0.0, State.PROBLEM), (1.0, State.PROBLEM), (2.0, State.OK), (60.0, State.OK)]
)
def test_builds_at_once(aws: Any, value: float, state: State) -> None:
    listed = [
        quota("Concurrently running builds for Linux/Large environment", 50.0),
        quota("Concurrently running builds for Linux/Medium environment", value),
    ]
    aws.answers("service-quotas", "list_service_quotas", {"Quotas": listed})
    assert next(quotas.codebuild(aws, SETTINGS)).state == state


@pytest.mark.parametrize(("less", "state"), [(1, State.PROBLEM), (0, State.OK)])
def test_a_slot_without_a_place_is_told(aws: Any, less: int, state: State) -> None:
    slots = SETTINGS.builds.concurrency
    listed = [quota("Concurrently running builds for Linux/Medium environment", float(slots - less))]
    aws.answers("service-quotas", "list_service_quotas", {"Quotas": listed})
    *_, found = quotas.codebuild(aws, SETTINGS)
    assert (found.state, found.subject) == (state, "Build slots")
    assert found.seen == f"builds.concurrency {slots}, {slots - less} places"
    assert (f"builds.concurrency={slots - less}" in found.remedy) == (state == State.PROBLEM)


def test_a_quota_that_is_not_listed_is_no_all_clear(aws: Any) -> None:
    aws.answers("service-quotas", "list_service_quotas", {"Quotas": []})
    assert only(quotas.codebuild(aws, SETTINGS)).state == State.NOT_ASKED


RESERVED = Settings.from_file({}).concurrency.total  # type: ignore[union-attr]
NEW_ACCOUNT = {
    "blue-faas.concurrency": "null",
    "blue-faas.limits.waiting_requests": "2",
    "blue-faas.limits.all_waiting_requests": "3",
}


@pytest.mark.parametrize(
    ("settings", "total", "free", "state"),
    [
        ({}, 10, 10, State.PROBLEM),
        ({}, 1000, 1000, State.OK),
        ({}, 1000, RESERVED + 99, State.OK),  # somebody has reserved as much: this stack, which is updated
        ({}, RESERVED + 100, RESERVED + 100, State.OK),
        ({}, RESERVED + 99, RESERVED + 99, State.PROBLEM),
        ({}, RESERVED + 110, RESERVED + 99, State.PROBLEM),  # others have reserved eleven
        (NEW_ACCOUNT, 10, 10, State.OK),
        (NEW_ACCOUNT, 10, 9, State.PROBLEM),
        ({"blue-faas.concurrency": "null"}, 10, 10, State.PROBLEM),
    ],
)
def test_functions_at_once(aws: Any, settings: dict[str, object], total: int, free: int, state: State) -> None:
    limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}
    aws.answers("lambda", "get_account_settings", {"AccountLimit": limit})
    finding = only(quotas.functions(aws, Settings.from_file(settings)))
    assert finding.state == state
    assert f"{total} concurrent executions" in finding.seen


def test_the_remedy_for_a_new_account_is_one(aws: Any) -> None:
    limit = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    aws.answers("lambda", "get_account_settings", {"AccountLimit": limit})
    remedy = only(quotas.functions(aws, SETTINGS)).remedy
    assert dict(re.findall(r"-c (\S+)=(\S+)", remedy)) == NEW_ACCOUNT


def test_what_may_not_be_asked_says_so_and_goes_on(aws: Any) -> None:
    aws.refuses("lambda", "get_account_settings", "AccessDeniedException", 403)
    finding = only(run("Lambda quota", lambda: quotas.functions(aws, SETTINGS)))
    assert (finding.state, finding.subject) == (State.NOT_ASKED, "Lambda quota")
    assert "GetAccountSettings answered AccessDeniedException" in finding.seen


@pytest.mark.parametrize(("version", "state"), [("5", State.PROBLEM), ("6", State.OK), ("28", State.OK)])
def test_the_bootstrap_stack_is_new_enough(aws: Any, version: str, state: State) -> None:
    aws.answers("ssm", "get_parameter", {"Parameter": {"Value": version}})
    assert only(account.bootstrap(aws, ACCOUNT)).state == state


def test_a_region_without_bootstrap_gets_the_command(aws: Any) -> None:
    aws.refuses("ssm", "get_parameter", "ParameterNotFound")
    finding = only(account.bootstrap(aws, ACCOUNT))
    assert (finding.state, finding.remedy) == (State.PROBLEM, f"Run npx cdk bootstrap aws://{ACCOUNT}/{REGION}")


def simulated(action: str, resource: str, decision: str) -> dict[str, str]:
    return {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision}


@pytest.mark.parametrize(("decision", "state"), [("allowed", State.OK), ("implicitDeny", State.PROBLEM)])
def test_a_sessions_role_is_asked_with_its_path(aws: Any, decision: str, state: State) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/ops/Deployer"
    role = {
        "Path": "/ops/",
        "RoleName": "Deployer",
        "RoleId": "AROAEXAMPLEEXAMPLE00",
        "Arn": arn,
        "CreateDate": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    }
    aws.answers("iam", "get_role", {"Role": role})
    target = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}"
    answer = {"EvaluationResults": [simulated("sts:AssumeRole", target, decision)]}
    aws.answers("iam", "simulate_principal_policy", answer)
    finding = only(account.operator(aws, MACHINE_ROLE))
    assert finding.state == state
    assert arn in finding.seen


def test_rights_that_cloudformation_lacks_are_named(aws: Any) -> None:
    answer = {
        "EvaluationResults": [
            simulated("eks:CreateAccessEntry", "*", "implicitDeny"),
            simulated("sqs:CreateQueue", "*", "allowed"),
        ]
    }
    aws.answers("iam", "simulate_principal_policy", answer)
    finding = only(account.cloudformation(aws, MACHINE_ROLE))
    assert finding.state == State.PROBLEM
    assert "eks:CreateAccessEntry" in finding.remedy
    assert "sqs:" not in finding.remedy


def test_every_resource_type_has_an_action_that_is_asked_about() -> None:
    kinds = {
        resource["Type"]
        for settings in ({}, OTHER)
        for resource in synthesis(**settings).template["Resources"].values()
    }
    assert kinds - account.CREATE_ACTIONS.keys() - {"AWS::CDK::Metadata"} == set()


@pytest.mark.parametrize(
    ("status", "protected", "state"),
    [
        ("CREATE_COMPLETE", True, State.OK),
        ("UPDATE_ROLLBACK_COMPLETE", False, State.OK),
        ("ROLLBACK_COMPLETE", False, State.OK),
        ("ROLLBACK_COMPLETE", True, State.PROBLEM),
        ("UPDATE_IN_PROGRESS", False, State.PROBLEM),
        ("UPDATE_ROLLBACK_FAILED", False, State.PROBLEM),
    ],
)
def test_a_stack_that_is_there(aws: Any, status: str, protected: bool, state: State) -> None:
    found = {
        "StackName": "BlueFaas",
        "StackStatus": status,
        "CreationTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "EnableTerminationProtection": protected,
    }
    aws.answers("cloudformation", "describe_stacks", {"Stacks": [found]})
    assert only(names.stack(aws, "BlueFaas")).state == state


def state_machine(name: str) -> dict[str, Any]:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    created = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return {"name": name, "stateMachineArn": arn, "type": "STANDARD", "creationDate": created}


def nothing_there(aws: Any) -> None:
    aws.refuses("cloudformation", "describe_stacks", "ValidationError", message="Stack BlueFaas does not exist")


def test_names_that_nobody_has(aws: Any) -> None:
    nothing_there(aws)
    functions = [{"FunctionName": "BlueFaas-other"}, {"FunctionName": "builds"}, {"FunctionName": "Blue-builds"}]
    aws.answers("lambda", "list_functions", {"Functions": functions})
    aws.answers("stepfunctions", "list_state_machines", {"stateMachines": [state_machine("BlueFaas-builds")]})
    aws.refuses("events", "describe_event_bus", "ResourceNotFoundException")
    aws.answers("logs", "describe_log_groups", {"logGroups": []})
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    aws.answers("cloudwatch", "list_dashboards", {"DashboardEntries": [{"DashboardName": "BlueFaasOther"}]})
    assert only(names.taken(aws, SETTINGS)).state == State.OK


def test_names_that_somebody_has(aws: Any) -> None:
    nothing_there(aws)
    aws.refuses("s3", "head_bucket", "403", 403)
    aws.answers("ecr", "describe_repositories", {"repositories": []})
    aws.answers("lambda", "list_functions", {"Functions": [{"FunctionName": "one"}], "NextMarker": "further"})
    aws.answers("lambda", "list_functions", {"Functions": [{"FunctionName": "BlueFaas-close-task"}]})
    aws.answers("stepfunctions", "list_state_machines", {"stateMachines": [state_machine("BlueFaas-build")]})
    aws.answers("events", "describe_event_bus", {"Name": "BlueFaas"})
    aws.answers("logs", "describe_log_groups", {"logGroups": [{"logGroupName": "/aws/vendedlogs/BlueFaas/api"}]})
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [{"AlarmName": "BlueFaas-StuckTasks"}]})
    aws.answers("cloudwatch", "list_dashboards", {"DashboardEntries": [{"DashboardName": "BlueFaas-team-a"}]})
    settings = Settings.from_file(
        {
            "blue-faas.storage.code_bucket_name": "ours",
            "blue-faas.storage.repository_name": "images",
            "blue-faas.kubernetes.dashboards": ["team-a"],
        }
    )
    findings = list(names.taken(aws, settings))
    assert {finding.state for finding in findings} == {State.PROBLEM}
    assert {finding.subject.split()[2] for finding in findings} == {
        "bucket", "repository", "function", "state", "event", "log", "alarm", "dashboard",
    }  # fmt: skip


def test_every_kind_of_name_that_the_stack_gives_is_looked_for() -> None:
    """Each type here has a check in `names.taken`; what an account may have several of by one name needs none."""
    named = {
        resource["Type"]
        for settings in ({}, OTHER)
        for resource in synthesis(**settings).template["Resources"].values()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") and isinstance(value, str) and re.match(r"(/aws/vendedlogs/)?BlueFaas\b", value)
    }
    assert named == {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Events::EventBus",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::StepFunctions::StateMachine",
    }


def described(mode: str = "API", **network: Any) -> dict[str, Any]:
    return {
        "cluster": {
            "name": "blue-faas",
            "status": "ACTIVE",
            "version": "1.34",
            "accessConfig": {"authenticationMode": mode},
            "resourcesVpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"], **network},
        }
    }


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        (described(), set()),
        (described("API_AND_CONFIG_MAP"), set()),
        (described("CONFIG_MAP"), {"access entries"}),
        (described(endpointPublicAccess=False), {"cluster endpoint"}),
        (described(publicAccessCidrs=["192.0.2.0/24"]), {"cluster endpoint"}),
    ],
)
def test_a_cluster_as_eks_describes_it(aws: Any, answer: dict[str, Any], problems: set[str]) -> None:
    assert SETTINGS.kubernetes is not None
    aws.answers("eks", "describe_cluster", answer)
    findings = list(cluster.eks(aws, SETTINGS.kubernetes))
    assert {finding.subject for finding in findings if finding.state == State.PROBLEM} == problems
    assert len(findings) == 3


def test_a_cluster_that_is_not_there(aws: Any) -> None:
    assert SETTINGS.kubernetes is not None
    aws.refuses("eks", "describe_cluster", "ResourceNotFoundException", 404)
    finding = only(cluster.eks(aws, SETTINGS.kubernetes))
    assert (finding.state, "null" in finding.remedy) == (State.PROBLEM, True)


def test_a_machine_without_docker_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_DOCKER", "there-is-no-such-command")
    finding = only(machine.docker())
    assert (finding.state, finding.subject) == (State.PROBLEM, "there-is-no-such-command")


def test_a_setting_that_cannot_be_meant_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-c", "blue-faas.builds.compute=ENORMOUS"]) == 1
    assert "builds.compute" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, State.PROBLEM),
        ({"blue-faas.administrators": "arn:aws:iam::123456789012:role/operators"}, State.OK),
        ({"blue-faas.tenancy": "open"}, State.OK),
    ],
)
def test_somebody_has_to_make_workspaces(changed: dict[str, object], state: State) -> None:
    finding = only(tenancy.administrators(Settings.from_file(changed)))
    assert finding.state == state
    assert ("blue-faas.administrators" in finding.remedy) is (state == State.PROBLEM)
