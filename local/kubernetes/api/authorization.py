"""Who may do what: Kubernetes' RBAC over the Role and binding objects in the store.

Rules: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>. Left out: the escalation check on writing roles,
and aggregated ClusterRoles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from local.kubernetes.api.authentication import AUTHENTICATED, User
from local.kubernetes.api.objects import Objects
from local.kubernetes.api.store import Key, Object, Store

MASTERS = "system:masters"
_GROUP = "rbac.authorization.k8s.io"
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class Attributes:
    """What is asked for. `path` is set instead of the resource for other URLs."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """``pods`` or ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer(Protocol):
    """Whether a user may do something."""

    def __call__(self, user: User, attributes: Attributes) -> bool:
        """Decide on one request."""
        ...


class RbacAuthorizer:
    """Reads Roles, ClusterRoles and their bindings on each request, so a change counts at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, user: User, attributes: Attributes) -> bool:
        """Whether a rule allows it; members of ``system:masters`` may do everything."""
        if MASTERS in user.groups:
            return True
        return any(_allows(rule, attributes) for rule in self._rules(user, attributes.namespace))

    def _rules(self, user: User, namespace: str) -> Iterator[Object]:
        for _, binding in self._store.select((_GROUP, "clusterrolebindings")):
            if _binds(binding, user, ""):
                yield from self._role(binding["roleRef"], "")
        if namespace:
            for _, binding in self._store.select((_GROUP, "rolebindings"), namespace):
                if _binds(binding, user, namespace):
                    yield from self._role(binding["roleRef"], namespace)

    def _role(self, reference: Object, namespace: str) -> Iterator[Object]:
        if reference["kind"] == "ClusterRole":
            role = self._store.get(Key(_GROUP, "clusterroles", "", reference["name"]))
        else:
            role = self._store.get(Key(_GROUP, "roles", namespace, reference["name"]))
        yield from (role or {}).get("rules") or ()


def _binds(binding: Object, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        name = subject["name"]
        match subject["kind"]:
            case "User" if name == user.name:
                return True
            case "Group" if name in user.all_groups():
                return True
            case "ServiceAccount":
                if user.name == f"{_SERVICE_ACCOUNT}{subject.get('namespace') or namespace}:{name}":
                    return True
    return False


def _allows(rule: Object, asked: Attributes) -> bool:
    if not {"*", asked.verb} & set(rule["verbs"]):
        return False
    if asked.path:
        return any(
            url == asked.path or (url.endswith("*") and asked.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs") or ()
        )
    resources = set(rule.get("resources") or ())
    wanted = {"*", asked.full_resource}
    if asked.subresource:
        wanted.add(f"*/{asked.subresource}")
    names = rule.get("resourceNames") or ()
    return bool(
        {"*", asked.group} & set(rule.get("apiGroups") or ())
        and wanted & resources
        and (not names or (asked.name and asked.name in names))
    )


def denial(user: User, asked: Attributes) -> str:
    """Write the real server's sentence for a 403."""
    if asked.path:
        return f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"'
    qualified = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    named = f' "{asked.name}"' if asked.name else ""
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return (
        f'{qualified}{named} is forbidden: User "{user.name}" cannot {asked.verb} resource "{asked.full_resource}" '
        f'in API group "{asked.group}" {scope}'
    )


def ensure_default_roles(objects: Objects) -> None:
    """Store the roles that every cluster has and that clients need: cluster-admin, and discovery."""
    every = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    urls = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"]
    roles: dict[str, tuple[list[Any], str]] = {
        "cluster-admin": (every, MASTERS),
        "system:discovery": ([{"nonResourceURLs": urls, "verbs": ["get"]}], AUTHENTICATED),
    }
    role_kind = objects.registry.by_key((_GROUP, "clusterroles"))
    binding_kind = objects.registry.by_key((_GROUP, "clusterrolebindings"))
    if role_kind is None or binding_kind is None:
        raise LookupError("the registry lacks the RBAC kinds")
    for name, (rules, group) in roles.items():
        objects.ensure(role_kind, "", {"metadata": {"name": name}, "rules": rules})
        reference = {"kind": "ClusterRole", "name": name, "apiGroup": _GROUP}
        subjects = [{"kind": "Group", "name": group, "apiGroup": _GROUP}]
        objects.ensure(binding_kind, "", {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects})
