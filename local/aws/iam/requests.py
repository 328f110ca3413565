"""What a request is about, where ministack does not say it as AWS does.

Reference: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

_OF_STREAMS: Final = frozenset({"CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"})
_PASSED: Final = {
    "codebuild:CreateProject": ("codebuild.amazonaws.com", "serviceRole"),
    "codebuild:StartBuild": ("codebuild.amazonaws.com", "serviceRoleOverride"),
    "codebuild:UpdateProject": ("codebuild.amazonaws.com", "serviceRole"),
    "events:PutRule": ("events.amazonaws.com", "RoleArn"),
    "events:PutTargets": ("events.amazonaws.com", "RoleArn"),
    "lambda:CreateFunction": ("lambda.amazonaws.com", "Role"),
    "lambda:UpdateFunctionConfiguration": ("lambda.amazonaws.com", "Role"),
    "states:CreateStateMachine": ("states.amazonaws.com", "roleArn"),
    "states:UpdateStateMachine": ("states.amazonaws.com", "roleArn"),
}
"""Operations that give a role to a service: the service, and the field that names the role."""


def parsed(action: str, body: bytes) -> Mapping[str, Any]:
    """Parse the JSON of a request that says more about ``action``; empty for all others.

    A malformed one is empty too: the service refuses it.
    """
    if not action.startswith(("logs:", "kms:", "dynamodb:")) and action not in _PASSED:
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def resource_of(action: str, resource: str, request: Mapping[str, Any]) -> str:
    """``resource`` with what belongs to it on AWS: CloudWatch Logs asks about log streams.

    >>> resource_of("logs:GetLogEvents", "arn:aws:logs:r:1:log-group:G", {"logStreamName": "s"})
    'arn:aws:logs:r:1:log-group:G:log-stream:s'
    """
    service, _, operation = action.partition(":")
    if service == "logs" and ":log-group:" in resource and ":log-stream:" not in resource:
        stream = request.get("logStreamName", "") if operation in _OF_STREAMS else ""
        return f"{resource.removesuffix(':*')}:log-stream:{stream}"
    return resource


def context_of(action: str, request: Mapping[str, Any], partition_key: Callable[[str], str | None]) -> dict[str, Any]:
    """Condition keys of a request that ministack does not fill in.

    >>> context_of("kms:Decrypt", {"EncryptionContext": {"task_id": "t"}}, lambda _: None)
    {'kms:encryptioncontext:task_id': 't', 'kms:encryptioncontextkeys': ['task_id']}
    >>> context_of("dynamodb:GetItem", {"TableName": "t", "Key": {"id": {"S": "a"}}}, lambda _: "id")
    {'dynamodb:leadingkeys': ['a']}

    Parameters
    ----------
    partition_key
        Gives the name of a table's partition key.
    """
    if action.startswith("dynamodb:"):
        item = request.get("Key") or request.get("Item") or {}
        key = item.get(partition_key(str(request.get("TableName", ""))))
        return {"dynamodb:leadingkeys": [str(value) for value in key.values()]} if isinstance(key, Mapping) else {}
    if not action.startswith("kms:"):
        return {}
    context = request.get("EncryptionContext") or {}
    keys = {f"kms:encryptioncontext:{key.lower()}": value for key, value in context.items()}
    return {**keys, "kms:encryptioncontextkeys": list(context)} if context else {}


def passed_roles(action: str, request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """``(role ARN, service)`` of each role that the request gives to a service: ``iam:PassRole`` is asked for each."""
    if action not in _PASSED:
        return []
    service, field = _PASSED[action]
    holders = [request, *(request.get("Targets") or [])]
    roles = [holder.get(field) for holder in holders if isinstance(holder, Mapping)]
    return [(role, service) for role in roles if isinstance(role, str) and role]
