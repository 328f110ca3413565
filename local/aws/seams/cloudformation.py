"""CloudFormation resource types and properties that the stack uses and ministack does not know.

`PROVISIONERS` holds whole types, `COMPLETIONS` the properties that ministack's own provisioner of a type passes over.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ministack.services import dynamodb, eks
from ministack.services.cloudformation import provisioners

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Provisioner:
    """How one resource type is made. ``create`` and ``update`` return ``(physical id, attributes for GetAtt)``."""

    create: Callable[[str, Json, str], tuple[str, Json]]
    """``(logical id, properties, stack name)``; raises ValueError when it cannot be created."""
    update: Callable[[str, Json, Json, str], tuple[str, Json]]
    """``(physical id, old properties, new properties, stack name)``."""
    delete: Callable[[str, Json], None]
    """``(physical id, properties)``."""


Completion = Callable[[str, Json], None]
"""Called with ``(physical id, properties)`` after ministack has created or updated a resource."""


def install() -> None:
    """Register everything. Raises RuntimeError when ministack has come to know one of the types."""
    known = provisioners._RESOURCE_HANDLERS
    for resource_type, provisioner in PROVISIONERS.items():
        if resource_type in known:
            raise RuntimeError(f"ministack provisions {resource_type} itself now: remove it from {__name__}")
        known[resource_type] = {
            "create": provisioner.create,
            "update": provisioner.update,
            "delete": provisioner.delete,
        }
    for resource_type, completion in COMPLETIONS.items():
        handlers = known[resource_type]
        handlers["create"] = _completed(handlers["create"], completion, properties_at=1)
        handlers["update"] = _completed(handlers["update"], completion, properties_at=2)


def _completed(operation: Callable[..., Any], completion: Completion, properties_at: int) -> Callable[..., Any]:
    """``operation``, then ``completion``; ``properties_at`` is where ``operation`` takes the new properties."""

    @functools.wraps(operation)
    def run(*arguments: Any, **options: Any) -> Any:
        result = operation(*arguments, **options)
        completion(result[0], arguments[properties_at])
        return result

    return run


def _access_entry_id(properties: Json) -> str:
    return f"{properties['PrincipalArn']}|{properties['ClusterName']}"


def _access_entry_body(properties: Json) -> Json:
    return {
        "principalArn": properties["PrincipalArn"],
        "kubernetesGroups": properties.get("KubernetesGroups", []),
        "username": properties.get("Username", ""),
        "type": properties.get("Type", "STANDARD"),
        "tags": {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])},
    }


def _apply_policies(properties: Json) -> None:
    for policy in properties.get("AccessPolicies", []):
        scope = policy.get("AccessScope", {})
        response = eks._associate_access_policy(
            properties["ClusterName"],
            properties["PrincipalArn"],
            {
                "policyArn": policy["PolicyArn"],
                "accessScope": {"type": scope.get("Type"), "namespaces": scope.get("Namespaces", [])},
            },
        )
        _check(response, "AccessPolicies")


def _check(response: Any, what: str) -> None:
    if response[0] >= 400:
        raise ValueError(f"{what}: {json.loads(response[2]).get('message', response[2])}")


def _access_entry_result(properties: Json) -> tuple[str, Json]:
    arn = eks._access_entry_arn(properties["ClusterName"], properties["PrincipalArn"])
    return _access_entry_id(properties), {"AccessEntryArn": arn}


def _create_access_entry(_logical_id: str, properties: Json, _stack_name: str) -> tuple[str, Json]:
    response = eks._create_access_entry(properties["ClusterName"], _access_entry_body(properties))
    _check(response, "AWS::EKS::AccessEntry")
    _apply_policies(properties)
    return _access_entry_result(properties)


def _update_access_entry(physical_id: str, old: Json, new: Json, stack_name: str) -> tuple[str, Json]:
    if _access_entry_id(new) != physical_id or old.get("Type") != new.get("Type"):
        if _access_entry_id(new) == physical_id:
            _delete_access_entry(physical_id, old)
        return _create_access_entry("", new, stack_name)
    body = _access_entry_body(new)
    _check(eks._update_access_entry(new["ClusterName"], new["PrincipalArn"], body), "AWS::EKS::AccessEntry")
    kept = {policy["PolicyArn"] for policy in new.get("AccessPolicies", [])}
    for policy in old.get("AccessPolicies", []):
        if policy["PolicyArn"] not in kept:
            eks._disassociate_access_policy(new["ClusterName"], new["PrincipalArn"], policy["PolicyArn"])
    _apply_policies(new)
    return _access_entry_result(new)


def _delete_access_entry(physical_id: str, _properties: Json) -> None:
    principal, _, cluster = physical_id.rpartition("|")
    eks._delete_access_entry(cluster, principal)


def _set_time_to_live(table: str, properties: Json) -> None:
    if specification := properties.get("TimeToLiveSpecification"):
        enabled = str(specification.get("Enabled")).lower() == "true"
        request = {"TableName": table, "TimeToLiveSpecification": {**specification, "Enabled": enabled}}
        _check(dynamodb._update_ttl(request), "TimeToLiveSpecification")


COMPLETIONS: Final[dict[str, Completion]] = {
    "AWS::DynamoDB::Table": _set_time_to_live,
}
"""Other seams add theirs before `install`."""

PROVISIONERS: Final[dict[str, Provisioner]] = {
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-accessentry.html
    "AWS::EKS::AccessEntry": Provisioner(_create_access_entry, _update_access_entry, _delete_access_entry),
}
