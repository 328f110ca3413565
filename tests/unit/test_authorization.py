"""With a JWT authorizer a caller's token lists workspaces; every other workspace does not exist for that caller."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions import settings
from functions.api.authorization import workspaces_in
from functions.handlers import builds
from tests.support.aws_account import Account
from tests.support.build_api import WORKSPACE, announce, call, request, started, upload
from tests.support.events import body_of, http_event
from tests.unit.test_uploads import body

MINE = {"sub": "me", "workspaces": f"[{WORKSPACE} third-workspace]"}
THEIRS = {"sub": "them", "workspaces": "[other-workspace]"}


@pytest.fixture
def jwt(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The stack with `authorizer: jwt`, and the claim of cdk.json."""
    monkeypatch.setenv("AUTHORIZER", "jwt")
    monkeypatch.setenv("JWT_WORKSPACES_CLAIM", "workspaces")
    settings.reset()
    return account


EVERY_ROUTE: dict[str, Callable[[str, dict[str, str] | None], dict[str, Any]]] = {
    "POST /api/v1/build-and-push": lambda _, claims: upload(claims=claims),
    "POST /api/v1/uploads": lambda _, claims: announce(body(), claims=claims),
    "GET /api/v1/workspaces/<workspace_id>/tasks": lambda _, claims: request(
        "GET", f"/api/v1/workspaces/{WORKSPACE}/tasks", claims=claims
    ),
    "GET /api/v1/tasks/<task_id>": lambda task_id, claims: request(
        "GET", f"/api/v1/tasks/{task_id}", claims=claims, workspace_id=WORKSPACE
    ),
    "GET /api/v1/tasks/<task_id>/logs": lambda task_id, claims: request(
        "GET", f"/api/v1/tasks/{task_id}/logs", claims=claims, workspace_id=WORKSPACE
    ),
    "DELETE /api/v1/tasks/<task_id>": lambda task_id, claims: request(
        "DELETE", f"/api/v1/tasks/{task_id}", claims=claims, workspace_id=WORKSPACE
    ),
}
OPEN = {"GET /health", "GET /openapi.json", "GET /docs"}


def test_every_route_is_covered_here() -> None:
    assert {f"{route.method} {route.path}" for route in (*builds.app._static_routes, *builds.app._dynamic_routes)} == {
        *EVERY_ROUTE,
        *OPEN,
    }


@pytest.mark.parametrize("route", EVERY_ROUTE)
@pytest.mark.parametrize("claims", [THEIRS, {"sub": "me"}, {"workspaces": ""}, {"workspaces": "[]"}, None])
def test_other_peoples_workspaces_are_404(jwt: Account, route: str, claims: dict[str, str] | None) -> None:
    task_id = body_of(upload(claims=MINE))["task_id"]
    before = (len(jwt.rows()), len(jwt.keys()), jwt.stopped())
    answer = EVERY_ROUTE[route](task_id, claims)
    assert answer["statusCode"] == 404
    assert list(body_of(answer)) == ["detail"]
    assert (len(jwt.rows()), len(jwt.keys()), jwt.stopped()) == before


@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_ones_own_workspaces_are_served(jwt: Account, route: str) -> None:
    task_id = body_of(upload(claims=MINE))["task_id"]
    assert EVERY_ROUTE[route](task_id, MINE)["statusCode"] in (200, 201, 202)


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/docs"])
def test_what_is_open_needs_no_token(jwt: Account, path: str) -> None:
    assert call(http_event("GET", path))["statusCode"] == 200


def test_with_iam_every_workspace_is_the_callers(account: Account) -> None:
    assert started(workspace_id="any-workspace")


names = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


def event(claim: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": {"workspaces": claim}}}}}


@given(st.lists(names, max_size=5), st.sampled_from(["[a b]", "a b", "a,b", "json", "list"]))
def test_every_form_of_the_claim_lists_the_same(listed: list[str], form: str) -> None:
    claim: object = {
        "[a b]": f"[{' '.join(listed)}]",
        "a b": " ".join(listed),
        "a,b": ", ".join(listed),
        "json": "[" + ", ".join(f'"{name}"' for name in listed) + "]",
        "list": listed,
    }[form]
    assert workspaces_in(event(claim), "workspaces") == frozenset(listed)


@pytest.mark.parametrize("claim", [None, 1, True, {"a": 1}, [1, None], [["a"]]])
def test_claims_that_list_nothing(claim: object) -> None:
    assert workspaces_in(event(claim), "workspaces") == frozenset()


@pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"requestContext": {"authorizer": {"iam": {}}}}])
def test_events_without_a_token(broken: dict[str, Any]) -> None:
    assert workspaces_in(broken, "workspaces") == frozenset()
