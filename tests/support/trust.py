"""Who may assume a role by a token: a trust policy, held against the token's claims."""

from typing import Any, Final

from ministack.core import iam_evaluator

ACCOUNT: Final = "123456789012"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/pipeline"


def trusts(policy: dict[str, Any], claims: dict[str, str]) -> bool:
    """Whether STS lets the bearer of a token with these claims assume the role.

    The policy has exact conditions only: a wildcard lets in more than it shows.
    """
    (statement,) = policy["Statement"]
    assert set(statement["Condition"]) == {"StringEquals"}
    host = claims["iss"].removeprefix("https://")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    context = iam_evaluator.EvalContext(
        principal_arn=provider,
        principal_type="WebIdentityUser",
        principal_account=ACCOUNT,
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=_ROLE,
        region="ap-northeast-2",
        service_context={f"{host}:{name}": value for name, value in claims.items()},
    )
    return bool(iam_evaluator.evaluate_trust_policy(policy, provider, context))


def allows(policy: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a role with this policy may do something."""
    context = iam_evaluator.EvalContext(
        principal_arn=_ROLE,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region="ap-northeast-2",
    )
    return bool(iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document(policy)]).decision == "Allow")
