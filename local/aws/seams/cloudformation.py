"""CloudFormation resource types and properties that the stack uses and ministack does not know.

`PROVISIONERS` holds whole types, `COMPLETIONS` the properties that ministack's own provisioner of a type passes over.
"""

import functools
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from ministack.services import dynamodb, eks
from ministack.services.cloudformation import provisioners

Json = dict[str, Any]
_ACCESS_ENTRY: Final = frozenset({"ClusterName", "PrincipalArn", "KubernetesGroups", "Type"})


Completion = Callable[[str, Json], None]
"""Called with ``(physical id, properties)`` after ministack has created or updated a resource."""


def install() -> None:
    """Register everything. Raises RuntimeError when ministack has come to know one of the types."""
    known = provisioners._RESOURCE_HANDLERS
    for resource_type, handlers in PROVISIONERS.items():
        if resource_type in known:
            raise RuntimeError(f"ministack provisions {resource_type} itself now: remove it from {__name__}")
        known[resource_type] = dict(handlers)
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


def _create_access_entry(_logical_id: str, properties: Json, _stack_name: str) -> tuple[str, Json]:
    if unknown := set(properties) - _ACCESS_ENTRY:
        raise ValueError(f"AWS::EKS::AccessEntry on this machine takes no {', '.join(sorted(unknown))}")
    cluster, principal = properties["ClusterName"], properties["PrincipalArn"]
    body = {"principalArn": principal, "kubernetesGroups": properties.get("KubernetesGroups", []), "type": "STANDARD"}
    check(eks._create_access_entry(cluster, body), "AWS::EKS::AccessEntry")
    return f"{principal}|{cluster}", {"AccessEntryArn": eks._access_entry_arn(cluster, principal)}


def _update_access_entry(physical_id: str, _old: Json, new: Json, stack_name: str) -> tuple[str, Json]:
    if physical_id == f"{new['PrincipalArn']}|{new['ClusterName']}":
        _delete_access_entry(physical_id, new)
    return _create_access_entry("", new, stack_name)


def _delete_access_entry(physical_id: str, _properties: Json) -> None:
    principal, _, cluster = physical_id.rpartition("|")
    eks._delete_access_entry(cluster, principal)


def check(response: Any, what: str) -> None:
    """Raise ValueError for an answer that is an error: the resource fails, and its event says why."""
    if response[0] >= HTTPStatus.BAD_REQUEST:
        raise ValueError(f"{what}: {json.loads(response[2]).get('message', response[2])}")


def _set_time_to_live(table: str, properties: Json) -> None:
    if specification := properties.get("TimeToLiveSpecification"):
        enabled = str(specification.get("Enabled")).lower() == "true"
        request = {"TableName": table, "TimeToLiveSpecification": {**specification, "Enabled": enabled}}
        check(dynamodb._update_ttl(request), "TimeToLiveSpecification")


COMPLETIONS: Final[dict[str, Completion]] = {
    "AWS::DynamoDB::Table": _set_time_to_live,
}
"""Other seams add theirs before `install`."""

PROVISIONERS: Final[dict[str, Mapping[str, Callable[..., Any]]]] = {
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-accessentry.html
    "AWS::EKS::AccessEntry": {
        "create": _create_access_entry,
        "update": _update_access_entry,
        "delete": _delete_access_entry,
    },
}
"""By type: ``create(logical id, properties, stack)`` and ``update(physical id, old, new, stack)`` give physical id and
attributes for GetAtt, or raise ValueError; ``delete(physical id, properties)``."""
