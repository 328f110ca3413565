"""A container's environment: literal values and keys of Secrets. Other sources are refused with the pod."""

import base64
import re

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Api
from local.kubernetes.machinery.resources import SECRETS, Json


class ContainerConfigError(Exception):
    """A container's configuration names something that is not there. The message is a kubelet's."""


_EXPANSION = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def container_environment(api: Api, pod: Json, container: Json) -> dict[str, str]:
    """All variables of a container, with references resolved.

    Raises
    ------
    ContainerConfigError
        A Secret or a key that is not optional does not exist.
    """
    environment: dict[str, str] = {}
    for variable in container.get("env") or []:
        if value_from := variable.get("valueFrom"):
            value = _value(api, pod["metadata"]["namespace"], value_from["secretKeyRef"])
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


def _value(api: Api, namespace: str, reference: Json) -> str | None:
    """Read the value of a key of a Secret; None for one that is optional and missing."""
    name, key = reference["name"], reference["key"]
    try:
        data: dict[str, str] = api.get(SECRETS, namespace, name).get("data") or {}
    except ApiError as error:
        if error.code != 404:
            raise
        if not reference.get("optional"):
            raise ContainerConfigError(f'secret "{name}" not found') from None
        return None
    if key not in data:
        if not reference.get("optional"):
            raise ContainerConfigError(f"couldn't find key {key} in Secret {namespace}/{name}")
        return None
    return base64.b64decode(data[key]).decode("utf-8", "replace")
