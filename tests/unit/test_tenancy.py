"""Who a caller is, what the policy says, and what is written down of every request."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions import settings
from functions.handlers import builds, ingest
from functions.models.principals import Principal, canonical
from functions.models.workspaces import WorkspacePolicy
from functions.tenancy.caller import Caller, names_in
from functions.tenancy.policies import Policies, PolicyChangedError
from tests.support.aws_account import ADMINISTRATOR, OTHER_REPOSITORY, POLICY_TABLE, Account
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


@pytest.fixture
def policies(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Policies]:
    """The policy of an account with tenancy ``policy``."""
    monkeypatch.setenv("TENANCY", "policy")
    settings.reset()
    yield Policies(POLICY_TABLE)
    settings.reset()


def iam(arn: str) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"iam": {"userArn": arn}}}}


def jwt(**claims: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


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


class TestPrincipals:
    @pytest.mark.parametrize(
        ("named", "caller", "same"),
        [
            (ROLE, iam(ALICE), True),
            ("arn:aws:iam::123456789012:role/teams/a/builder", iam(ALICE), True),
            (ROLE, iam(ROLE.replace("role", "user")), False),
            (ROLE.replace("builder", "build"), iam(ALICE), False),
            (ROLE.replace("123456789012", "210987654321"), iam(ALICE), False),
            (ROLE.replace("arn:aws:", "arn:aws-cn:"), iam(ALICE), False),
            (ALICE, iam(ALICE), True),
            (ALICE, iam(BOB), False),
            ("arn:aws:iam::123456789012:user/teams/a/me", iam("arn:aws:iam::123456789012:user/teams/a/me"), True),
            ("arn:aws:iam::123456789012:user/me", iam("arn:aws:iam::123456789012:user/teams/a/me"), False),
            ("claim:sub=auth0|7", jwt(sub="auth0|7"), True),
            ("claim:groups=a", jwt(groups="[b a]"), True),
            ("claim:groups=a", jwt(groups=["b", "a"]), True),
            ("claim:groups=a", jwt(groups="[b] a"), False),
            ("claim:groups=a", jwt(groups="b a"), False),
            ("claim:groups=a", jwt(sub="a"), False),
            ("claim:admin=true", jwt(admin="true"), True),
            (ROLE, jwt(sub=ROLE), False),
            ("claim:sub=x", {}, False),
            (ROLE, iam(""), False),
        ],
    )
    def test_who_is_who(self, named: str, caller: dict[str, Any], same: bool) -> None:
        assert Caller.of(caller).is_one_of([principal.validate_python(named)]) is same

    @pytest.mark.parametrize(
        "text",
        [
            *("", "*", "builder", "arn:aws:iam::123456789012:root", "arn:aws:iam::*:role/builder", f"{ROLE}*"),
            *("arn:aws:iam::123456789012:role/", "arn:aws:iam::12345:role/builder", "arn:aws:s3:::bucket"),
            *("arn:aws:sts::123456789012:assumed-role/builder", f"{ALICE}/x", f" {ROLE}", f"{ROLE}\n"),
            *("claim:", "claim:groups", "claim:groups=", "claim:=a", "claim:groups= a", "claim:" + "a" * 600),
        ],
    )
    def test_what_is_no_principal(self, text: str) -> None:
        with pytest.raises(ValidationError):
            principal.validate_python(text)

    @given(st.text(max_size=80))
    def test_whatever_is_taken_is_taken_again_in_its_canonical_form(self, text: str) -> None:
        try:
            accepted = principal.validate_python(text)
        except ValidationError:
            return
        assert canonical(canonical(principal.validate_python(canonical(accepted)))) == canonical(accepted)

    @given(st.lists(names, max_size=5), st.sampled_from(["[a b]", "a b", "a,b", "json", "list"]))
    def test_every_form_of_the_claim_lists_the_same(self, listed: list[str], form: str) -> None:
        claim: object = {
            "[a b]": f"[{' '.join(listed)}]",
            "a b": " ".join(listed),
            "a,b": ", ".join(listed),
            "json": "[" + ", ".join(f'"{name}"' for name in listed) + "]",
            "list": listed,
        }[form]
        assert names_in(claim) == frozenset(listed)

    @pytest.mark.parametrize("claim", [None, 1, True, {"a": 1}, [1, None], [["a"]]])
    def test_claims_that_list_nothing(self, claim: object) -> None:
        assert names_in(claim) == frozenset()

    @pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"requestContext": {"authorizer": None}}])
    def test_a_request_that_nobody_has_checked(self, broken: dict[str, Any]) -> None:
        assert Caller.of(broken) == Caller("anonymous")


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
        assert build(ALICE, **registry)["statusCode"] == 403
        put({"principals": [ROLE], "registries": [r".*/blue-final-faas-app"]})
        assert build(ALICE, **registry)["statusCode"] == 202
        elsewhere = {**registry, "registry_url": "registry.example.com/blue-final-faas-app"}
        assert build(ALICE, **elsewhere)["statusCode"] == 403, "the service's own list limits a workspace's"

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


def audit_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the audit log has got since this was asked last."""
    lines = [record.audit for record in caplog.records if hasattr(record, "audit")]
    caplog.clear()
    return lines


class TestAudit:
    def test_a_write_that_is_allowed(self, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
        put({"principals": [ROLE]})
        task_id = body_of(build(ALICE))["task_id"]
        written, built = audit_lines(caplog)
        assert written == {
            "who": ADMIN,
            "what": f"PUT {PATH}",
            "from": "127.0.0.1",
            "decision": "allowed",
            "status": 200,
        }
        assert built == {
            "who": ALICE,
            "what": "POST /api/v1/build-and-push",
            "from": "127.0.0.1",
            "workspace": WORKSPACE,
            "on": {"task_id": task_id},
            "decision": "allowed",
            "status": 202,
        }

    def test_what_is_refused(self, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
        put({"principals": [ROLE]}, arn=ALICE)
        build(ALICE)
        ask(http_event("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks"), ALICE)
        lines = audit_lines(caplog)
        assert [(line["decision"], line["status"]) for line in lines] == [("refused", 404)] * 3
        assert [line.get("workspace") for line in lines] == [None, WORKSPACE, WORKSPACE]

    def test_what_never_came_to_the_policy(self, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
        build(ALICE, registry_url="https://no")
        ask(http_event("POST", "/api/v1/build-and-push", body=b"x" * 3_000_000), ALICE)
        ask(http_event("POST", "/nowhere"), ALICE)
        assert [(line["decision"], line["status"]) for line in audit_lines(caplog)] == [
            ("refused", 422),
            ("refused", 413),
            ("refused", 404),
        ]

    def test_reads_that_are_served_leave_nothing(self, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
        put({"principals": [ROLE]})
        audit_lines(caplog)
        ask(http_event("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks"), ALICE)
        ask(http_event("GET", "/health"), ALICE)
        assert audit_lines(caplog) == []

    def test_an_object_in_the_bucket(
        self, account: Account, policies: Policies, caplog: pytest.LogCaptureFixture
    ) -> None:
        key = f"uploads/{WORKSPACE}/my-app/app.py"
        event = created(key, account.put(key, SOURCE))
        event["detail"] |= {"requester": "123456789012", "source-ip-address": "192.0.2.7"}
        for decision in ("refused", "allowed"):
            ingest.handler(event, LambdaContext())
            (line,) = audit_lines(caplog)
            assert line.pop("on", None) is None or decision == "allowed"
            assert line == {
                "who": "123456789012",
                "what": f"PUT s3:{key}",
                "from": "192.0.2.7",
                "workspace": WORKSPACE,
                "decision": decision,
            }
            policies.write(WORKSPACE, WorkspacePolicy(), "me", None)

    def test_no_secret_and_no_endless_path(self, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
        ask(http_event("DELETE", f"/api/v1/tasks/{'y' * 5000}", query={"workspace_id": WORKSPACE}), ALICE)
        build(ALICE, registry_url=OTHER_REPOSITORY, username="AWS", password="very-secret")
        lines = audit_lines(caplog)
        assert len(lines) == 2
        assert all("very-secret" not in json.dumps(line) and len(line["what"]) < 600 for line in lines)


def test_administrators_are_named_by_the_environment(policies: Policies) -> None:
    assert canonical(ADMINISTRATOR) in Caller.of(iam(ADMIN)).principals
