"""Calls that AWS's services make under a role of the stack, and sessions of those roles."""

import secrets
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from local.aws.iam.decisions import Decisions


class DeniedError(Exception):
    """A role may not do what was asked for; the text is AWS's."""


class RoleSessions:
    """Temporary credentials of roles, as Lambda, CodeBuild and Step Functions get them."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str, str], dict[str, str]] = {}

    def environment(self, role_arn: str, session: str, service: str, holder: str = "") -> dict[str, str]:
        """Variables that the AWS SDKs read: the same for the same role, session and ``holder`` (a function's ARN).

        Raises `DeniedError` when the role does not trust ``service``.
        """
        key = (role_arn, session, holder)
        if key not in self._of or self._of[key]["AWS_ACCESS_KEY_ID"] not in sts._sessions:
            self._of[key] = self._open(role_arn, session, service)
        return dict(self._of[key])

    def close(self, access_key: str) -> None:
        """End a session: its credentials are worth nothing any more."""
        sts._sessions.pop(access_key, None)
        for key in [key for key, made in list(self._of.items()) if made["AWS_ACCESS_KEY_ID"] == access_key]:
            del self._of[key]

    def _open(self, role_arn: str, session: str, service: str) -> dict[str, str]:
        _check_trust(role_arn, service)
        role = role_arn.rpartition("/")[2]
        made = {
            "AWS_ACCESS_KEY_ID": "ASIA" + secrets.token_hex(8).upper(),
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_SESSION_TOKEN": secrets.token_urlsafe(60),
        }
        sts.register_session(
            made["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{session[:64]}",
                "UserId": f"{role}:{session[:64]}",
                "SecretAccessKey": made["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": made["AWS_SESSION_TOKEN"],
                "AccountId": get_account_id(),
                "PrincipalType": "AssumedRole",
            },
        )
        return made


def _check_trust(role_arn: str, service: str) -> None:
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role is None:
        raise DeniedError(f"The role {role_arn} does not exist.")
    document = role.get("AssumeRolePolicyDocument")
    context = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=get_account_id(),
        action="sts:AssumeRole",
        resource_arn="*",
        region=get_region(),
        service_context={
            "aws:sourceaccount": get_account_id(),
            "aws:sourcearn": f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:any",
        },
    )
    if iam_evaluator.evaluate_resource_policy(document, context, service).decision != "Allow":
        raise DeniedError(f"The role defined for {service} cannot be assumed: {role_arn}.")


class RoleCalls:
    """Judges calls that a service makes under a role, without a request that could be looked at."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def check(self, role_arn: str, session: str, action: str, resource: str, **context: Any) -> None:
        """Raise `DeniedError` unless the role and the resource's own policy allow ``action``."""
        account, role = get_account_id(), role_arn.rpartition("/")[2]
        asked = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session[:64]}",
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=get_region(),
            secure_transport=True,
            service_context={key.lower(): value for key, value in context.items()},
        )
        result = iam_evaluator.evaluate(asked, iam_evaluator._gather_role_policies(role, account))
        service = action.partition(":")[0]
        found = iam_evaluator._resource_policy(service, resource)
        if found is not None:
            required = service in iam_evaluator._POLICY_REQUIRED
            result = iam_evaluator.combine_resource_policy(result, asked, *found, required=required)
        if result.decision != "Allow":
            explicit = result.decision == "Deny"
            raise DeniedError(iam_actions.identity_denial_message(action, asked.principal_arn, resource, explicit))
        self._decisions.allowed(role, action, resource)
