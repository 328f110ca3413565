"""Who a policy speaks of: IAM principals by their ARN, tokens by a claim. The spelling, and when two mean the same."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from functions.contracts.spelling import Spelling

LONGEST: Final = 512
"""Characters."""

_PARTITION: Final = r"arn:(?P<partition>aws[a-z-]*)"
_ACCOUNT: Final = r"(?P<account>[0-9]{12})"
# IAM user guide, "IAM identifiers": names have no slash, paths begin and end with one. No "*": nobody is to take a
# principal for a pattern.
_NAME: Final = r"[A-Za-z0-9_+=,.@-]{1,64}"
_PATH: Final = r"/(?:[\x21-\x29\x2b-\x7e]+/)?"
_ROLE: Final = re.compile(rf"{_PARTITION}:iam::{_ACCOUNT}:role{_PATH}(?P<name>{_NAME})")
_SESSION: Final = re.compile(rf"{_PARTITION}:sts::{_ACCOUNT}:assumed-role/(?P<name>{_NAME})/{_NAME}")
_USER: Final = re.compile(rf"{_PARTITION}:iam::{_ACCOUNT}:user{_PATH}{_NAME}")
_FEDERATED_USER: Final = re.compile(rf"{_PARTITION}:sts::{_ACCOUNT}:federated-user/{_NAME}")
_CLAIM: Final = re.compile(r"claim:(?P<name>[^\s=]{1,128})=(?P<value>\S(?:.*\S)?)")
_WORDS: Final = (
    "expected arn:aws:iam::ACCOUNT:role/NAME, arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION, "
    "arn:aws:iam::ACCOUNT:user/NAME or claim:NAME=VALUE, without wildcards"
)


_ANY: Final = "|".join(
    re.sub(r"\(\?P<\w+>", "(?:", each.pattern) for each in (_ROLE, _SESSION, _USER, _FEDERATED_USER, _CLAIM)
)

Principal = Annotated[str, Spelling(f"(?:{_ANY})", LONGEST, _WORDS, "arn:aws:iam::123456789012:role/team-a")]
"""A caller, or all callers that have something in common: every session of a role, every token with a claim."""


def canonical(principal: str) -> str:
    """Return the spelling that `of_arn` and `of_claims` give: a role without its path.

    The ARN of a role's session does not tell the path, and an account has no two roles of one name.

    >>> canonical("arn:aws:iam::123456789012:role/teams/a/builder")
    'arn:aws:iam::123456789012:role/builder'
    """
    role = _ROLE.fullmatch(principal)
    return _role(role) if role else principal


def of_arn(arn: str) -> frozenset[str]:
    """Return every principal that a caller with this ARN is: itself, and for a role's session the role.

    >>> sorted(of_arn("arn:aws:sts::123456789012:assumed-role/builder/alice"))
    ['arn:aws:iam::123456789012:role/builder', 'arn:aws:sts::123456789012:assumed-role/builder/alice']
    """
    session = _SESSION.fullmatch(arn)
    return frozenset({arn, _role(session)} if session else {arn})


def of_claims(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return every principal that a token with these claims is.

    An HTTP API hands claims over as texts, and an array as ``[a b]``; a claim counts as a whole, too.

    >>> sorted(of_claims({"sub": "auth0|7", "groups": "[a b]"}))
    ['claim:groups=[a b]', 'claim:groups=a', 'claim:groups=b', 'claim:sub=auth0|7']
    """
    return frozenset(f"claim:{name}={value}" for name, claim in claims.items() for value in _values(claim))


def _values(claim: object) -> list[str]:
    if isinstance(claim, list):
        return [value for value in claim if isinstance(value, str)]
    if not isinstance(claim, str):
        return []
    listed = claim[1:-1].split() if claim.startswith("[") and claim.endswith("]") else []
    return [claim, *listed]


def _role(match: re.Match[str]) -> str:
    return f"arn:{match['partition']}:iam::{match['account']}:role/{match['name']}"
