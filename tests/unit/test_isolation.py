"""Two workspaces, every operation of the build API, both authorizers: what is another's does not exist."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.contracts import settings
from functions.tenancy.policies import Policies
from functions.tenancy.workspace import NO_ROUTE
from tests.support.aws_account import POLICY_TABLE, Account
from tests.support.build_api import of_function
from tests.support.events import body_of
from tests.support.isolation import (
    ADMINISTRATORS,
    AUTHORIZERS,
    NOBODY,
    REQUESTS,
    STRANGERS,
    TEAMS,
    Target,
    event_for,
    operations,
    policy_of,
    principals,
    tagged,
    workspace_of,
)

OF_WORKSPACES = tagged("Builds", "Tasks")
OF_ADMINISTRATORS = tagged("Administration")
ONES_OWN_TASK = [operation for operation in OF_WORKSPACES if "{task_id}" in operation]
BOTH_WAYS = list(itertools.permutations(TEAMS))
SUCCESS = {200, 201, 202}

Send = Callable[..., dict[str, Any]]


@pytest.fixture(params=AUTHORIZERS)
def send(request: pytest.FixtureRequest, account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Send]:
    """Sends an operation about a target as somebody of a team, with tenancy ``policy`` and both workspaces made."""
    monkeypatch.setenv("TENANCY", "policy")
    monkeypatch.setenv("ADMINISTRATORS", json.dumps(principals(ADMINISTRATORS)))
    settings.reset()
    for team in TEAMS:
        Policies(POLICY_TABLE).write(workspace_of(team), policy_of(team), "set-up", None)

    def sent(operation: str, target: Target, team: str | None) -> dict[str, Any]:
        caller = None if team is None else AUTHORIZERS[request.param](team)
        answer = of_function(event_for(operation, target, caller))
        return {**answer, "statusCode": int(answer["statusCode"])}

    yield sent
    settings.reset()


@pytest.fixture
def target(send: Send) -> Callable[[str], Target]:
    """A team's workspace, with a task in it."""

    def made(team: str) -> Target:
        of = Target(workspace_of(team))
        answer = send("POST /api/v1/build-and-push", of, team)
        assert answer["statusCode"] == 202, answer["body"]
        return replace(of, task_id=body_of(answer)["task_id"])

    return made


def everything(account: Account) -> object:
    """All that a request could change."""
    return (account.rows(), account.side_items(), sorted(account.keys()), account.stopped(), account.executions())


def written() -> object:
    """The policy."""
    return Policies(POLICY_TABLE).all()


def test_every_operation_has_a_rule() -> None:
    assert operations().keys() == REQUESTS.keys()
    ruled = {*OF_WORKSPACES, *OF_ADMINISTRATORS, *tagged("Apps"), "GET /api/v1/workspaces", "GET /health"}
    assert operations().keys() == ruled


@pytest.mark.parametrize("operation", OF_WORKSPACES)
@pytest.mark.parametrize("team", TEAMS)
def test_ones_own_workspace_is_served(send: Send, target: Callable[[str], Target], operation: str, team: str) -> None:
    answer = send(operation, target(team), team)
    assert answer["statusCode"] in SUCCESS, answer["body"]


@pytest.mark.parametrize("operation", OF_WORKSPACES)
@pytest.mark.parametrize(("mine", "theirs"), BOTH_WAYS)
def test_another_workspace_is_one_that_nobody_made(
    account: Account, send: Send, target: Callable[[str], Target], operation: str, mine: str, theirs: str
) -> None:
    of = target(theirs)
    before = everything(account)
    refused = send(operation, of, mine)
    never_made = send(operation, replace(of, workspace_id=NOBODY), mine)
    assert refused["statusCode"] == 404
    assert body_of(refused)["detail"].replace(of.workspace_id, NOBODY) == body_of(never_made)["detail"]
    assert everything(account) == before


@pytest.mark.parametrize("operation", ONES_OWN_TASK)
@pytest.mark.parametrize(("mine", "theirs"), BOTH_WAYS)
def test_another_workspaces_task_is_not_in_ones_own(
    account: Account, send: Send, target: Callable[[str], Target], operation: str, mine: str, theirs: str
) -> None:
    of = target(theirs)
    before = everything(account)
    answer = send(operation, replace(of, workspace_id=workspace_of(mine)), mine)
    assert answer["statusCode"] == 404
    assert body_of(answer)["detail"] == f"Task '{of.task_id}' not found in workspace '{workspace_of(mine)}'"
    assert everything(account) == before


@pytest.mark.parametrize("operation", OF_WORKSPACES)
@pytest.mark.parametrize("caller", [STRANGERS, ADMINISTRATORS, None])
def test_who_belongs_to_no_workspace_finds_none(
    account: Account, send: Send, target: Callable[[str], Target], operation: str, caller: str | None
) -> None:
    of = target(TEAMS[0])
    before = everything(account)
    assert send(operation, of, caller)["statusCode"] == 404
    assert everything(account) == before


@pytest.mark.parametrize("operation", OF_ADMINISTRATORS)
@pytest.mark.parametrize("caller", [*TEAMS, STRANGERS, None])
def test_the_policy_is_not_there_for_others(send: Send, operation: str, caller: str | None) -> None:
    before = written()
    answer = send(operation, Target(workspace_of(TEAMS[0])), caller)
    assert (answer["statusCode"], body_of(answer)) == (404, {"detail": NO_ROUTE})
    assert written() == before


@pytest.mark.parametrize("operation", OF_ADMINISTRATORS)
def test_administrators_read_and_write_the_policy(send: Send, operation: str) -> None:
    assert send(operation, Target(workspace_of(TEAMS[0])), ADMINISTRATORS)["statusCode"] == 200


@pytest.mark.parametrize("caller", [*TEAMS, STRANGERS, ADMINISTRATORS, None])
def test_a_caller_is_told_of_its_own_workspaces(send: Send, caller: str | None) -> None:
    body = body_of(send("GET /api/v1/workspaces", Target(NOBODY), caller))
    assert [each["workspace_id"] for each in body["workspaces"]] == [
        workspace_of(team) for team in TEAMS if team == caller
    ]
    assert body["administrator"] is (caller == ADMINISTRATORS)


@pytest.mark.parametrize("caller", [*TEAMS, None])
def test_health_is_open(send: Send, caller: str | None) -> None:
    assert send("GET /health", Target(NOBODY), caller)["statusCode"] == 200


@pytest.mark.parametrize("operation", OF_WORKSPACES)
def test_who_is_taken_out_is_out_with_the_next_request(
    send: Send, target: Callable[[str], Target], operation: str
) -> None:
    of = target(TEAMS[0])
    send("PUT /api/v1/admin/workspaces/{workspace_id}", of, ADMINISTRATORS)
    assert send(operation, of, TEAMS[0])["statusCode"] == 404
    assert send(operation, of, STRANGERS)["statusCode"] in SUCCESS


@pytest.mark.parametrize("operation", OF_WORKSPACES)
def test_a_workspace_that_was_deleted_is_nobodys(send: Send, target: Callable[[str], Target], operation: str) -> None:
    of = target(TEAMS[0])
    assert send("DELETE /api/v1/admin/workspaces/{workspace_id}", of, ADMINISTRATORS)["statusCode"] == 200
    assert send(operation, of, TEAMS[0])["statusCode"] == 404


@pytest.mark.parametrize("operation", [*OF_WORKSPACES, *OF_ADMINISTRATORS, "GET /api/v1/workspaces"])
def test_a_policy_that_cannot_be_read_lets_nobody_in(
    account: Account, send: Send, target: Callable[[str], Target], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    of, before = target(TEAMS[0]), everything(account)
    monkeypatch.setenv("POLICY_TABLE", "no-such-table")
    settings.reset()
    caller = ADMINISTRATORS if operation in OF_ADMINISTRATORS else TEAMS[0]
    assert send(operation, of, caller)["statusCode"] == 503
    assert everything(account) == before
