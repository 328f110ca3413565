"""``python -m infra.tools.cluster_rbac``: write the deployer's RBAC manifests from the permissions table.

The table (`functions.cluster.permissions`) lists the rights that the deploy function uses; an operator applies the
manifests in ``cluster/``. ``--check`` and a test fail if the manifests differ from the table.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from functions.cluster.permissions import everywhere, in_namespaces, rules
from functions.cluster.resources import ROUTES
from functions.models.exposure import RouteKind

ROOT: Final = Path(__file__).resolve().parents[2]
RBAC_GROUP: Final = "rbac.authorization.k8s.io"
_HEADER: Final = (
    "# Written by `python -m infra.tools.cluster_rbac` from functions/cluster/permissions.py: do not edit.\n"
)

Json = dict[str, Any]


def manifests(group: str, exposed_by: RouteKind | None) -> dict[str, list[Json]]:
    """Return the objects of each manifest for the Kubernetes group ``group``, by path below the repository.

    Rights on namespaced kinds are in a ClusterRole without a binding: each tenant's RoleBinding grants it in its own
    namespace. Only rights on kinds without a namespace are bound for the whole cluster, and listing the routes of apps
    where apps are exposed (``exposed_by``: the kind of those routes).
    """
    route = None if exposed_by is None else ROUTES[exposed_by]
    wide = f"{group}-cluster"
    return {
        "cluster/base/rbac.yaml": [
            _role(group, rules(in_namespaces(route))),
            _role(wide, rules(everywhere(route))),
            _binding("ClusterRoleBinding", wide, group),
        ],
        "cluster/tenant/role-binding.yaml": [_binding("RoleBinding", group, group)],
    }


def render(group: str, exposed_by: RouteKind | None) -> dict[Path, str]:
    """Return the text of each manifest, by path."""
    return {
        ROOT / path: _HEADER + yaml.safe_dump_all(objects, sort_keys=False, width=120)
        for path, objects in manifests(group, exposed_by).items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the manifests, or check them: status 1 if ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m infra.tools.cluster_rbac", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    options = parser.parse_args(arguments)
    settings = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]["blue-faas"]["kubernetes"]
    stale = []
    for path, text in render(settings["access_group"], (settings.get("expose") or {}).get("kind")).items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not options.check:
            path.write_text(text, "utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'out of date' if options.check else 'written'}")  # noqa: T201  # its answer
    if stale and options.check:
        print("Run: python -m infra.tools.cluster_rbac", file=sys.stderr)  # noqa: T201  # its answer
        return 1
    return 0


def _role(name: str, role_rules: list[Json]) -> Json:
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": role_rules,
    }


def _binding(kind: str, role: str, group: str) -> Json:
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": kind,
        "metadata": {"name": role},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC_GROUP, "kind": "Group", "name": group}],
    }


if __name__ == "__main__":
    sys.exit(main())
