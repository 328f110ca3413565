"""Reads a CloudFormation template: resources by type, the state machine, who may do what."""

import json
from typing import Any

Json = dict[str, Any]


def resources(template: Json, kind: str) -> dict[str, Json]:
    """Logical id to properties of all resources of a type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def text(value: Any) -> str:
    """An intrinsic function as one readable string: ``Fn::Join`` joined, references by logical id."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if "Fn::Join" in value:
            separator, parts = value["Fn::Join"]
            return str(separator).join(text(part) for part in parts)
        if "Ref" in value:
            return f"<{value['Ref']}>"
        if "Fn::GetAtt" in value:
            return f"<{'.'.join(value['Fn::GetAtt'])}>"
        if "Fn::Sub" in value:
            return str(value["Fn::Sub"])
    return json.dumps(value)


def state_machine(template: Json) -> Json:
    """The build pipeline's definition."""
    (properties,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    definition: Json = json.loads(text(properties["DefinitionString"]))
    return definition


def permissions(template: Json, role_prefix: str) -> dict[str, list[str]]:
    """Action to sorted resources of everything the role's inline policies allow."""
    (role,) = [name for name in resources(template, "AWS::IAM::Role") if name.startswith(role_prefix)]
    allowed: dict[str, set[str]] = {}
    for policy in resources(template, "AWS::IAM::Policy").values():
        if {"Ref": role} not in policy["Roles"]:
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _list(statement["Action"]):
                allowed.setdefault(action, set()).update(text(r) for r in _list(statement["Resource"]))
    return {action: sorted(found) for action, found in sorted(allowed.items())}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
