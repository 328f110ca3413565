"""A container's environment: literal values, Secret and ConfigMap keys, fields of the pod itself."""

import base64
import re
from collections.abc import Callable
from typing import Any

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Api
from local.kubernetes.machinery.meta import quantity
from local.kubernetes.machinery.resources import CONFIG_MAPS, SECRETS, Json, Resource


class ContainerConfigError(Exception):
    """A container's configuration names something that is not there. The message is a kubelet's."""


_MAP_KEY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_EXPANSION = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def container_environment(api: Api, pod: Json, container: Json) -> dict[str, str]:
    """All variables of a container, with references resolved.

    Raises
    ------
    ContainerConfigError
        A Secret, ConfigMap, key or field that is not optional does not exist.
    """
    if container.get("envFrom"):
        raise ContainerConfigError("envFrom is not served on this machine: name each variable in env")
    environment: dict[str, str] = {}
    for variable in container.get("env") or []:
        if value_from := variable.get("valueFrom"):
            value = _resolve(api, value_from, pod, container)
            if value is None:
                continue
        else:
            value = expand(variable.get("value") or "", environment)
        environment[variable["name"]] = value
    return environment


def expand(text: str, environment: dict[str, str]) -> str:
    """Replace ``$(NAME)`` by variables defined before; ``$$`` is a plain dollar, unknown names stay as they are."""

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[1] is None else environment.get(match[1], match[0])

    return _EXPANSION.sub(replacement, text)


def _value(api: Api, namespace: str, resource: Resource, reference: Json) -> str | None:
    """Read the value of a key of a Secret or ConfigMap; None for one that is optional and missing."""
    optional = bool(reference.get("optional"))
    try:
        data: dict[str, str] = api.get(resource, namespace, reference["name"]).get("data") or {}
    except ApiError as error:
        if error.code != 404:
            raise
        if not optional:
            raise ContainerConfigError(f'{resource.kind.lower()} "{reference["name"]}" not found') from None
        return None
    if reference["key"] not in data:
        if not optional:
            place = f"{resource.kind} {namespace}/{reference['name']}"
            raise ContainerConfigError(f"couldn't find key {reference['key']} in {place}")
        return None
    value = data[reference["key"]]
    return base64.b64decode(value).decode("utf-8", "replace") if resource is SECRETS else value


def _resolve(api: Api, value_from: Json, pod: Json, container: Json) -> str | None:
    for name, resource in (("secretKeyRef", SECRETS), ("configMapKeyRef", CONFIG_MAPS)):
        if reference := value_from.get(name):
            return _value(api, pod["metadata"]["namespace"], resource, reference)
    if reference := value_from.get("fieldRef"):
        return pod_field(pod, reference["fieldPath"])
    if reference := value_from.get("resourceFieldRef"):
        section, _, resource = reference["resource"].partition(".")
        amount = quantity(((container.get("resources") or {}).get(section) or {}).get(resource))
        divisor = quantity(reference.get("divisor") or "1") or 1
        return str(-(-amount // divisor))
    raise ContainerConfigError(f"a variable's valueFrom names no source that is known here: {', '.join(value_from)}")


def pod_field(pod: Json, path: str) -> str:
    """Read a pod's own field as the downward API gives it.

    Raises
    ------
    ContainerConfigError
        Not one of the fields that environment variables may name.
    """
    if match := _MAP_KEY.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    fields: dict[str, Callable[[], Any]] = {
        "metadata.name": lambda: pod["metadata"]["name"],
        "metadata.namespace": lambda: pod["metadata"]["namespace"],
        "metadata.uid": lambda: pod["metadata"]["uid"],
        "spec.nodeName": lambda: pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": lambda: pod["spec"].get("serviceAccountName", "default"),
        "status.hostIP": lambda: "127.0.0.1",
        "status.podIP": lambda: "127.0.0.1",
        "status.podIPs": lambda: "127.0.0.1",
    }
    if path not in fields:
        raise ContainerConfigError(f"unsupported fieldPath: {path}")
    return str(fields[path]())
