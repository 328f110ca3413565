"""The condition keys and operators that requests on this machine can be judged by.

ministack takes an operator that it does not know for one that never matches, and a key that it does not know for one
that the request lacks. In a Deny statement, or under a negated operator, that would let through what AWS refuses. Here
such a statement is an error of the request that meets it.

Reference: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from typing import Final

_GLOBAL: Final = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceip",
        "aws:tagkeys",
        "aws:userid",
        "aws:username",
        # Only calls that a service makes for a resource have these: no other call does, on AWS neither.
        "aws:sourcearn",
        "aws:sourceaccount",
    }
)
_GLOBAL_PREFIXES: Final = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
_OF_SERVICE: Final = {
    "s3": frozenset({"s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid", "s3:resourceaccount"}),
    "dynamodb": frozenset(
        {
            "dynamodb:attributes",
            "dynamodb:enclosingoperation",
            "dynamodb:leadingkeys",
            "dynamodb:returnvalues",
            "dynamodb:select",
        }
    ),
    "kms": frozenset({"kms:encryptioncontextkeys"}),
    "iam": frozenset({"iam:passedtoservice"}),
    "sts": frozenset({"sts:externalid", "sts:rolesessionname"}),
}
_SERVICE_PREFIXES: Final = {"kms": ("kms:encryptioncontext:",)}
_OPERATORS: Final = frozenset(
    {
        *("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase"),
        *("stringlike", "stringnotlike", "bool", "null"),
        *("numericequals", "numericnotequals", "numericlessthan", "numericlessthanequals"),
        *("numericgreaterthan", "numericgreaterthanequals"),
        *("dateequals", "datenotequals", "datelessthan", "datelessthanequals"),
        *("dategreaterthan", "dategreaterthanequals"),
        *("ipaddress", "notipaddress", "arnequals", "arnlike", "arnnotequals", "arnnotlike"),
    }
)


class UnknownConditionError(Exception):
    """A policy has a condition that cannot be judged here; the text names it and the place to add it."""


def check_condition(operator: str, key: str, action: str) -> None:
    """Raise `UnknownConditionError` unless this machine can say what ``key`` is in a request for ``action``."""
    if not _is_operator(operator.lower()):
        raise UnknownConditionError(
            f"A policy asked about {action} has the condition operator {operator}, which is not known on this machine; "
            f"add it to {__name__}"
        )
    if not _is_key(key.lower(), action.partition(":")[0].lower()):
        raise UnknownConditionError(
            f"A policy asked about {action} has the condition key {key}, which requests on this machine do not carry; "
            f"add it to {__name__} and to what fills it in"
        )


def _is_operator(name: str) -> bool:
    for prefix in ("forallvalues:", "foranyvalue:"):
        name = name.removeprefix(prefix)
    return name in _OPERATORS or (name != "nullifexists" and name.removesuffix("ifexists") in _OPERATORS)


def _is_key(key: str, service: str) -> bool:
    return (
        key in _GLOBAL
        or key.startswith(_GLOBAL_PREFIXES)
        or key in _OF_SERVICE.get(service, ())
        or key.startswith(_SERVICE_PREFIXES.get(service, ()))
    )
