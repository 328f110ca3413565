"""What administrators write down of a workspace, and what its members may do then."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic import TypeAdapter

from functions.contracts import settings
from functions.handlers import builds, ingest
from functions.models.principals import Principal
from functions.models.workspaces import WorkspacePolicy
from functions.tenancy.policies import Policies, PolicyChangedError
from tests.support.aws_account import OTHER_REPOSITORY, OWN_REPOSITORY, Account
from tests.support.build_api import SOURCE, WORKSPACE
from tests.support.events import LambdaContext, body_of, http_event, upload_event
from tests.unit.test_ingest import created

ROLE = "arn:aws:iam::123456789012:role/builder"
ALICE = "arn:aws:sts::123456789012:assumed-role/builder/alice"
BOB = "arn:aws:sts::123456789012:assumed-role/builder/bob"
ADMIN = "arn:aws:sts::123456789012:assumed-role/administrator/carol"
PATH = f"/api/v1/admin/workspaces/{WORKSPACE}"

principal = TypeAdapter(Principal)
names = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


def ask(event: dict[str, Any], arn: str) -> dict[str, Any]:
    """The answer to an event of an IAM caller."""
    event["requestContext"]["authorizer"] = {"iam": {"userArn": arn}}
    answer = builds.handler(event, LambdaContext())
    return {**answer, "statusCode": int(answer["statusCode"])}


def put(body: dict[str, Any], arn: str = ADMIN, path: str = PATH) -> dict[str, Any]:
    """PUT of a workspace."""
    headers = {"content-type": "application/json"}
    return ask(http_event("PUT", path, headers=headers, body=json.dumps(body).encode()), arn)


def build(arn: str, **fields: str) -> dict[str, Any]:
    """POST of a source."""
    return ask(upload_event({"workspace_id": WORKSPACE, **fields}, ("app.py", SOURCE)), arn)


class TestAdministration:
    def test_a_workspace_is_made_read_changed_and_deleted(self, policies: Policies) -> None:
        made = body_of(put({"principals": [ROLE], "namespaces": ["team-a"], "limits": {"running_builds": 3}}))
        assert (made["version"], made["updated_by"], made["principals"]) == (1, ADMIN, [ROLE])
        assert made == body_of(ask(http_event("GET", PATH), ADMIN))
        assert body_of(put({"principals": [ALICE]}))["version"] == 2
        listed = body_of(ask(http_event("GET", "/api/v1/admin/workspaces"), ADMIN))
        assert [(each["workspace_id"], each["namespaces"]) for each in listed["workspaces"]] == [(WORKSPACE, [])]
        assert ask(http_event("DELETE", PATH), ADMIN)["statusCode"] == 200
        assert ask(http_event("DELETE", PATH), ADMIN)["statusCode"] == 404
        assert ask(http_event("GET", PATH), ADMIN)["statusCode"] == 404

    def test_two_administrators_do_not_overwrite_each_other(self, policies: Policies) -> None:
        assert put({"principals": [ROLE], "version": 0})["statusCode"] == 200
        assert put({"principals": [], "version": 0})["statusCode"] == 409
        assert put({"principals": [], "version": 1})["statusCode"] == 200
        answer = put({"principals": [ROLE], "version": 1})
        assert answer["statusCode"] == 409
        assert "not at version 1" in body_of(answer)["detail"]
        with pytest.raises(PolicyChangedError):
            policies.write(WORKSPACE, WorkspacePolicy(), "me", 7)

    def test_pages(self, policies: Policies) -> None:
        for number in range(5):
            policies.write(f"w{number}", WorkspacePolicy(), "me", None)
        found, after = [], None
        while True:
            query = {"limit": "2", **({"next": after} if after else {})}
            page = body_of(ask(http_event("GET", "/api/v1/admin/workspaces", query=query), ADMIN))
            found += [each["workspace_id"] for each in page["workspaces"]]
            after = page["next"]
            if after is None:
                break
        assert found == [f"w{number}" for number in range(5)]
        assert [each.workspace_id for each in policies.all()] == found

    @pytest.mark.parametrize(
        "body",
        [
            {"principals": ["*"]},
            {"principals": [ROLE] * 101},
            {"namespaces": ["Not a namespace"]},
            {"registries": ["("]},
            {"registries": ["x" * 513]},
            {"limits": {"running_builds": 0}},
            {"limits": {"running_builds": 1001}},
            {"limits": {"kept_tasks": 0}},
            {"version": -1},
            {"owner": "me"},
        ],
    )
    def test_what_cannot_be_written(self, policies: Policies, body: dict[str, Any]) -> None:
        assert put(body)["statusCode"] == 422
        assert policies.all() == []

    @pytest.mark.parametrize(
        "body", [{"principals": [ROLE] * 100}, {"registries": ["x" * 512]}, {"limits": {"running_builds": 1000}}]
    )
    def test_what_just_can_be_written(self, policies: Policies, body: dict[str, Any]) -> None:
        assert put(body)["statusCode"] == 200

    def test_the_policy_can_be_written_before_it_holds(
        self, policies: Policies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TENANCY", "open")
        settings.reset()
        assert put({"principals": [ROLE]})["statusCode"] == 200
        assert put({"principals": [ALICE]}, arn=ALICE)["statusCode"] == 404
        assert build(BOB, workspace_id="anything")["statusCode"] == 202
        own = body_of(ask(http_event("GET", "/api/v1/workspaces"), ALICE))
        assert (own["tenancy"], own["workspaces"]) == ("open", [])


class TestWhatAWorkspaceMayDo:
    def test_a_token_may_list_workspaces(self, policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JWT_WORKSPACES_CLAIM", "workspaces")
        settings.reset()
        policies.write(WORKSPACE, WorkspacePolicy(), "me", None)
        for claims, status in (
            ({"sub": "me", "workspaces": f"[other {WORKSPACE}]"}, 202),
            ({"sub": "me", "workspaces": "[other]"}, 404),
            ({"sub": WORKSPACE, "groups": WORKSPACE}, 404),
        ):
            event = upload_event({"workspace_id": WORKSPACE}, ("app.py", SOURCE))
            event["requestContext"]["authorizer"] = {"jwt": {"claims": claims}}
            assert builds.handler(event, LambdaContext())["statusCode"] == status

    def test_a_workspace_has_limits_of_its_own(self, policies: Policies) -> None:
        put({"principals": [ROLE], "limits": {"running_builds": 1}})
        assert build(ALICE)["statusCode"] == 202
        assert build(ALICE, app_name="other")["statusCode"] == 429
        put({"principals": [ROLE], "limits": {"running_builds": 2}})
        assert build(ALICE, app_name="other")["statusCode"] == 202

    def test_a_workspace_has_registries_of_its_own(self, policies: Policies) -> None:
        registry = {"registry_url": OTHER_REPOSITORY, "username": "AWS", "password": "secret"}
        put({"principals": [ROLE]})
        refused = build(ALICE, **registry)
        assert refused["statusCode"] == 403
        assert body_of(refused)["detail"].endswith(
            f"Workspace '{WORKSPACE}' may use '{OWN_REPOSITORY}'. Use one of these, or ask an administrator to add "
            "another to the workspace's registries."
        )
        put({"principals": [ROLE], "registries": [r".*/blue-final-faas-app"]})
        assert build(ALICE, **registry)["statusCode"] == 202
        elsewhere = {**registry, "registry_url": "registry.example.com/blue-final-faas-app"}
        refused = build(ALICE, **elsewhere)
        assert refused["statusCode"] == 403, "the service's own list limits a workspace's"
        assert "and those that match .*/blue-final-faas-app. Use one" in body_of(refused)["detail"]
        assert "to registry_allow_list and the workspace's registries" in body_of(refused)["detail"]

    def test_the_stacks_own_repository_with_a_password_of_the_callers(self, policies: Policies) -> None:
        put({"principals": [ROLE]})
        assert build(ALICE, registry_url=OWN_REPOSITORY, username="AWS", password="secret")["statusCode"] == 202

    def test_a_deploy_block_names_a_namespace_of_the_workspace(self, account: Account, policies: Policies) -> None:
        put({"principals": [ROLE], "namespaces": ["team-a"]})
        answer = build(ALICE, deploy='{"namespace": "team-b"}')
        assert (answer["statusCode"], body_of(answer)) == (404, {"detail": "Namespace 'team-b' not found"})
        assert account.rows() == []
        assert account.keys() == []
        assert build(ALICE, deploy='{"namespace": "team-a"}')["statusCode"] == 202

    def test_an_object_is_built_in_a_workspace_that_there_is(self, account: Account, policies: Policies) -> None:
        key = f"uploads/{WORKSPACE}/my-app/app.py"
        version = account.put(key, SOURCE)
        assert ingest.handler(created(key, version), LambdaContext()) is None
        assert account.rows() == []
        put({"limits": {"running_builds": 1}})
        assert ingest.handler(created(key, version), LambdaContext()) is not None
        other = account.put(key, b"x = 2\n")
        ingest.handler(created(key, other), LambdaContext())
        assert sorted(row["status"] for row in account.rows()) == ["failed", "pending"]
