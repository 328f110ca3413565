"""Who a caller is: spellings of principals, and which of them mean the caller of a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions.models.principals import Principal, canonical
from functions.tenancy.caller import Caller, names_in

ROLE = "arn:aws:iam::123456789012:role/builder"
ALICE = "arn:aws:sts::123456789012:assumed-role/builder/alice"
BOB = "arn:aws:sts::123456789012:assumed-role/builder/bob"

principal = TypeAdapter(Principal)
names = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


def iam(arn: str) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"iam": {"userArn": arn}}}}


def jwt(**claims: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


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
def test_who_is_who(named: str, caller: dict[str, Any], same: bool) -> None:
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
def test_what_is_no_principal(text: str) -> None:
    with pytest.raises(ValidationError):
        principal.validate_python(text)


@given(st.text(max_size=80))
def test_whatever_is_taken_is_taken_again_in_its_canonical_form(text: str) -> None:
    try:
        accepted = principal.validate_python(text)
    except ValidationError:
        return
    assert canonical(canonical(principal.validate_python(canonical(accepted)))) == canonical(accepted)


@given(st.lists(names, max_size=5), st.sampled_from(["[a b]", "a b", "a,b", "json", "list"]))
def test_every_form_of_the_claim_lists_the_same(listed: list[str], form: str) -> None:
    claim: object = {
        "[a b]": f"[{' '.join(listed)}]",
        "a b": " ".join(listed),
        "a,b": ", ".join(listed),
        "json": "[" + ", ".join(f'"{name}"' for name in listed) + "]",
        "list": listed,
    }[form]
    assert names_in(claim) == frozenset(listed)


@pytest.mark.parametrize("claim", [None, 1, True, {"a": 1}, [1, None], [["a"]]])
def test_claims_that_list_nothing(claim: object) -> None:
    assert names_in(claim) == frozenset()


@pytest.mark.parametrize("broken", [{}, {"requestContext": None}, {"requestContext": {"authorizer": None}}])
def test_a_request_that_nobody_has_checked(broken: dict[str, Any]) -> None:
    assert Caller.of(broken) == Caller("anonymous")
