"""Two workspaces in one namespace, every operation on apps, both authorizers: another's app and image do not exist."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.cluster.ownership import WORKSPACE
from functions.cluster.resources import SPIN_APPS
from functions.contracts import settings
from functions.handlers import deploy as deploy_function
from functions.models.workspaces import WorkspacePolicy
from tests.support.isolation import (
    ADMINISTRATORS,
    AUTHORIZERS,
    NOBODY,
    STRANGERS,
    TEAMS,
    Target,
    event_for,
    policy_of,
    tagged,
    workspace_of,
)
from tests.unit.cluster import test_built
from tests.unit.cluster.conftest import CALLER, POLICY_TABLE, SETTINGS, Context, Deploy, Eks, digest_of, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator

APPS = tagged("Apps")
DEPLOY, LIST = "POST /api/v1/deploy", "GET /api/v1/apps"
ROLL_BACK = "POST /api/v1/apps/{namespace}/{app_name}/rollback"
ON_ONE_APP = [operation for operation in APPS if "{app_name}" in operation]
BOTH_WAYS = list(itertools.permutations(TEAMS))
OWN = SETTINGS["DEFAULT_IMAGE_REPOSITORY"]
NAME = "my-app"

Send = Callable[..., tuple[int, dict[str, Any]]]
MadeFor = Callable[[str], Target]


def image_of(team: str, source: str = "0") -> str:
    """An image of the service's own repository that a team has built."""
    return f"{OWN}:{source * 16}-{workspace_of(team)}"


@pytest.fixture(params=AUTHORIZERS)
def send(request: pytest.FixtureRequest, eks: Eks, kubectl: Administrator, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Sends an operation as somebody of a team, with tenancy ``policy``; both workspaces may use the namespace."""
    monkeypatch.setenv("TENANCY", "policy")
    monkeypatch.setenv("POLICY_TABLE", POLICY_TABLE)
    settings.reset()
    eks.policies = {workspace_of(team): policy_of(team, kubectl.namespace) for team in TEAMS}

    def sent(operation: str, target: Target, team: str | None, **body: Any) -> tuple[int, dict[str, Any]]:
        event = event_for(operation, target, None if team is None else AUTHORIZERS[request.param](team))
        if body:
            fields = {**json.loads(event["body"]), **body}
            named = {name: value for name, value in fields.items() if value is not None}
            event |= {"body": json.dumps(named), "isBase64Encoded": False}
        answer = deploy_function.handler(event, Context())
        return int(answer["statusCode"]), json.loads(answer["body"])

    return sent


@pytest.fixture
def app_of(send: Send, kubectl: Administrator) -> MadeFor:
    """An app that a team has deployed in the namespace of both."""

    def made(team: str) -> Target:
        of = Target(workspace_of(team), namespace=kubectl.namespace, app_name=NAME, image=image_of(team))
        status, body = send(DEPLOY, of, team)
        assert status == 200, body
        return of

    return made


@pytest.mark.parametrize("operation", APPS)
@pytest.mark.parametrize("team", TEAMS)
def test_ones_own_app_is_served(send: Send, app_of: MadeFor, operation: str, team: str) -> None:
    status, body = send(operation, app_of(team), team)
    assert status == 200, body


@pytest.mark.parametrize("operation", APPS)
@pytest.mark.parametrize(("mine", "theirs"), BOTH_WAYS)
def test_another_workspace_is_one_that_nobody_made(
    kubectl: Administrator, send: Send, app_of: MadeFor, operation: str, mine: str, theirs: str
) -> None:
    of = app_of(theirs)
    before = kubectl.list(SPIN_APPS)
    status, body = send(operation, of, mine)
    assert status == 404
    _, never_made = send(operation, replace(of, workspace_id=NOBODY), mine)
    assert str(body["detail"]).replace(of.workspace_id, NOBODY) == never_made["detail"]
    assert kubectl.list(SPIN_APPS) == before


@pytest.mark.parametrize("operation", [*ON_ONE_APP, DEPLOY])
@pytest.mark.parametrize(("mine", "theirs"), BOTH_WAYS)
@pytest.mark.parametrize("named", [True, False], ids=["naming one's own workspace", "naming none"])
def test_another_workspaces_app_is_one_that_nobody_made(
    kubectl: Administrator, send: Send, app_of: MadeFor, operation: str, mine: str, theirs: str, named: bool
) -> None:
    of = replace(app_of(theirs), workspace_id=workspace_of(mine) if named else "", image=image_of(mine))
    before = kubectl.list(SPIN_APPS)
    status, body = send(operation, of, mine)
    assert (status, body) == (404, {"detail": f"App '{NAME}' not found in namespace '{kubectl.namespace}'"})
    assert kubectl.list(SPIN_APPS) == before


@pytest.mark.parametrize("operation", APPS)
@pytest.mark.parametrize("caller", [STRANGERS, ADMINISTRATORS, None])
@pytest.mark.parametrize("named", [True, False])
def test_who_belongs_to_no_workspace_finds_nothing(
    kubectl: Administrator, send: Send, app_of: MadeFor, operation: str, caller: str | None, named: bool
) -> None:
    of = app_of(TEAMS[0])
    before = kubectl.list(SPIN_APPS)
    assert send(operation, of if named else replace(of, workspace_id=""), caller)[0] == 404
    assert kubectl.list(SPIN_APPS) == before


@pytest.mark.parametrize("operation", APPS)
def test_a_namespace_that_is_not_ones_own_does_not_exist(
    send: Send, kubectl: Administrator, eks: Eks, operation: str
) -> None:
    eks.policies[workspace_of(TEAMS[0])] = policy_of(TEAMS[0])
    of = Target("", namespace=kubectl.namespace, app_name=NAME, image=image_of(TEAMS[0]))
    there = send(operation, of, TEAMS[0])
    assert there == (404, {"detail": f"Namespace '{kubectl.namespace}' not found"})
    named = send(operation, replace(of, workspace_id=workspace_of(TEAMS[0])), TEAMS[0])
    assert named == there


def test_a_list_has_ones_own_apps_only(send: Send, app_of: MadeFor, kubectl: Administrator) -> None:
    of = app_of(TEAMS[0])
    for operation_as, expected in ((TEAMS[0], [(NAME, of.workspace_id)]), (TEAMS[1], [])):
        _, body = send(LIST, replace(of, workspace_id=""), operation_as)
        assert [(app["app_name"], app["workspace_id"]) for app in body["apps"]] == expected


def test_an_app_that_no_workspace_made_is_nobodys(send: Send, kubectl: Administrator) -> None:
    kubectl.create_app(NAME, {"image": image_of(TEAMS[0]), "executor": "spot", "replicas": 1})
    of = Target("", namespace=kubectl.namespace, app_name=NAME, image=image_of(TEAMS[0]))
    for operation in (*ON_ONE_APP, DEPLOY):
        assert send(operation, of, TEAMS[0])[0] == 404
    kubectl.patch(SPIN_APPS, NAME, {"metadata": {"labels": {WORKSPACE: workspace_of(TEAMS[0])}}})
    assert send(DEPLOY, of, TEAMS[0])[0] == 200


class TestImages:
    """An image of the service's own repository is the workspace's whose tag it has."""

    def deploy(self, send: Send, kubectl: Administrator, image: str) -> tuple[int, Any]:
        of = Target(workspace_of(TEAMS[0]), namespace=kubectl.namespace, app_name=NAME, image=image)
        status, body = send(DEPLOY, of, TEAMS[0])
        assert len(kubectl.list(SPIN_APPS)) == (status == 200)
        return status, body.get("detail")

    def test_another_workspaces_image_is_not_there(self, send: Send, kubectl: Administrator, eks: Eks) -> None:
        theirs = image_of(TEAMS[1])
        status, detail = self.deploy(send, kubectl, theirs)
        eks.missing.add(theirs.rpartition(":")[2])
        assert (status, detail) == self.deploy(send, kubectl, theirs)
        assert status == 422

    @pytest.mark.parametrize("tags", [[], ["latest"], ["deployed-00"], [f"{'1' * 16}-{workspace_of(TEAMS[1])}"]])
    def test_a_digest_without_ones_own_tag(self, send: Send, kubectl: Administrator, eks: Eks, tags: list[str]) -> None:
        digest = digest_of(image_of(TEAMS[1]))
        eks.tags[digest] = tags
        assert self.deploy(send, kubectl, f"{OWN}@{digest}")[0] == 422
        assert self.deploy(send, kubectl, f"{image_of(TEAMS[0])}@{digest}")[0] == 422

    def test_a_digest_that_both_have_pushed(self, send: Send, kubectl: Administrator, eks: Eks) -> None:
        digest = digest_of(image_of(TEAMS[1]))
        eks.tags[digest] = [image_of(team).rpartition(":")[2] for team in TEAMS]
        assert self.deploy(send, kubectl, f"{OWN}@{digest}")[0] == 200

    @pytest.mark.parametrize(
        "host",
        [
            "123456789012.dkr-ecr.ap-northeast-2.on.aws",
            "123456789012.dkr.ecr-fips.ap-northeast-2.amazonaws.com",
            "123456789012.DKR.ecr.ap-northeast-2.amazonaws.com",
        ],
    )
    def test_another_spelling_of_the_host_is_the_same_repository(
        self, send: Send, kubectl: Administrator, eks: Eks, host: str
    ) -> None:
        eks.policies[workspace_of(TEAMS[0])] = policy_of(TEAMS[0], kubectl.namespace).model_copy(
            update={"registries": [".*"]}
        )
        _, _, rest = image_of(TEAMS[1]).partition("/")
        assert self.deploy(send, kubectl, f"{host}/{rest}")[0] in (422, 503)

    def test_a_registry_that_does_not_answer_proves_nothing(self, send: Send, kubectl: Administrator, eks: Eks) -> None:
        eks.ecr_fails = "ServerException"
        assert self.deploy(send, kubectl, image_of(TEAMS[0]))[0] == 503

    def test_other_registries_are_those_of_the_workspace(self, send: Send, kubectl: Administrator, eks: Eks) -> None:
        image = f"123456789012.dkr.ecr.{SETTINGS['AWS_REGION']}.amazonaws.com/elsewhere:1"
        assert self.deploy(send, kubectl, image)[0] == 403
        policy = policy_of(TEAMS[0], kubectl.namespace).model_copy(update={"registries": [r".*/elsewhere"]})
        eks.policies[workspace_of(TEAMS[0])] = policy
        assert self.deploy(send, kubectl, image)[0] == 200


def test_a_rollback_needs_no_proof(send: Send, app_of: MadeFor, eks: Eks) -> None:
    of = app_of(TEAMS[0])
    assert send(DEPLOY, replace(of, image=image_of(TEAMS[0], "1")), TEAMS[0])[0] == 200
    eks.tags[digest_of(of.image)] = []
    status, body = send(ROLL_BACK, of, TEAMS[0])
    assert (status, body["digest"]) == (200, digest_of(of.image))


def test_of_several_workspaces_a_new_app_says_whose_it_is(send: Send, kubectl: Administrator, eks: Eks) -> None:
    both = {workspace_of(team): policy_of(TEAMS[0], kubectl.namespace) for team in TEAMS}
    eks.policies = both
    of = Target("", namespace=kubectl.namespace, app_name=NAME, image=image_of(TEAMS[0]))
    status, body = send(DEPLOY, of, TEAMS[0])
    assert status == 422
    assert all(workspace_id in body["detail"] for workspace_id in both)
    assert send(DEPLOY, of, TEAMS[0], workspace_id=workspace_of(TEAMS[0]))[0] == 200
    for operation in reversed(ON_ONE_APP):  # DELETE is the first of them
        assert send(operation, of, TEAMS[0])[0] == 200, operation


def test_a_generated_name_is_labelled_too(send: Send, kubectl: Administrator) -> None:
    of = Target("", namespace=kubectl.namespace, image=image_of(TEAMS[0]))
    assert send(DEPLOY, of, TEAMS[0], app_name=None)[0] == 200
    (app,) = kubectl.list(SPIN_APPS)
    assert app["metadata"]["labels"][WORKSPACE] == workspace_of(TEAMS[0])


@pytest.mark.parametrize("workspace_id", ["team-c", None])
def test_where_tenancy_is_open_a_named_workspace_becomes_the_label(
    deploy: Deploy, call: Deploy, kubectl: Administrator, workspace_id: str | None
) -> None:
    assert deploy(app_name=NAME, workspace_id=workspace_id).status == 200
    (app,) = kubectl.list(SPIN_APPS)
    assert app["metadata"]["labels"].get(WORKSPACE) == workspace_id
    assert deploy(app_name=NAME, workspace_id="another").status == 200
    assert call("GET", f"/{NAME}").body["workspace_id"] == workspace_id
    for named, expected in (("", [NAME]), ("team-c", [NAME] if workspace_id else []), ("another", [])):
        query = {"namespace": kubectl.namespace, "workspace_id": named}
        listed = invoke_raw("", method="GET", path="/api/v1/apps", query=query).body["apps"]
        assert [each["app_name"] for each in listed] == expected
    assert call("DELETE", f"/{NAME}").status == 200


@pytest.mark.parametrize("decision", ["allowed", "refused"])
def test_the_audit_log_says_whose_app_it_was(
    send: Send, app_of: MadeFor, caplog: pytest.LogCaptureFixture, decision: str
) -> None:
    of = app_of(TEAMS[0])
    caplog.clear()
    team = TEAMS[0] if decision == "allowed" else TEAMS[1]
    send(ROLL_BACK, replace(of, workspace_id=""), team)
    (line,) = [record.audit for record in caplog.records if hasattr(record, "audit")]
    assert line["decision"] == decision
    assert line["what"] == f"POST /api/v1/apps/{of.namespace}/{NAME}/rollback"
    assert line["workspace"] == workspace_of(team)


def test_a_deploy_block_is_held_to_the_policy_of_now(
    eks: Eks, kubectl: Administrator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TENANCY", "policy")
    monkeypatch.setenv("POLICY_TABLE", POLICY_TABLE)
    settings.reset()
    workspace_id = test_built.STATE_INPUT["workspace_id"]
    allowed = WorkspacePolicy(namespaces=[kubectl.namespace])
    eks.row = test_built.row(kubectl.namespace, f"{OWN}:{'0' * 16}-{workspace_id}", app_name=NAME)
    for policies, error in (
        ({}, f"Workspace '{workspace_id}' not found"),
        ({workspace_id: WorkspacePolicy()}, f"Namespace '{kubectl.namespace}' not found"),
        ({workspace_id: allowed}, None),
    ):
        eks.policies = policies
        assert test_built.run().get("error") == error
    assert kubectl.get(SPIN_APPS, NAME)["metadata"]["labels"][WORKSPACE] == workspace_id
    lines = [record.audit for record in caplog.records if hasattr(record, "audit")]
    assert [(line["who"], line["decision"]) for line in lines] == [
        (CALLER, "refused"),
        (CALLER, "refused"),
        (CALLER, "allowed"),
    ]
