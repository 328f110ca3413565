"""The kustomizations as kubectl sees them: they build, and an API server takes them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from functions.cluster.resources import EXECUTORS, NAMESPACES, Resource
from local.kubernetes.kubelet.registration import NODE_NAMES, SPOT_TAINT, node_object
from local.kubernetes.kustomization import build
from local.kubernetes.seed import CLUSTER_MANIFESTS
from tests.cluster.conftest import Json, Operator
from tests.unit.cluster.kubernetes_server import ADMINISTRATOR, KubernetesServer

ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
LIMITS = Resource("", "v1", "limitranges", "LimitRange")
POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
FOLDERS = (
    *("base", "overlays/runtime-class-manager", "examples/tenant", "examples/karpenter"),
    *("examples/metrics", "examples/metrics-tenant"),
)

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def kubectl_kustomize(folder: str) -> list[Json]:
    """What ``kubectl kustomize`` makes of a folder."""
    done = subprocess.run(
        ["kubectl", "kustomize", CLUSTER_MANIFESTS / folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


def by_name(objects: list[Json]) -> dict[tuple[str, str], Json]:
    """Objects by kind and name."""
    return {(body["kind"], body["metadata"]["name"]): body for body in objects}


@needs_kubectl
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_kustomization_builds(folder: str) -> None:
    assert kubectl_kustomize(folder)


def test_no_kustomization_is_left_out_here() -> None:
    found = {str(path.parent.relative_to(CLUSTER_MANIFESTS)) for path in CLUSTER_MANIFESTS.rglob("kustomization.yaml")}
    assert found == {*FOLDERS, "tenant", "metrics"}  # components are built within the examples


@needs_kubectl
def test_the_one_machine_cluster_reads_them_as_kubectl_does() -> None:
    assert by_name(build(CLUSTER_MANIFESTS / "base")) == by_name(kubectl_kustomize("base"))
    tenant = by_name(kubectl_kustomize("examples/tenant"))
    for key, body in by_name(build(CLUSTER_MANIFESTS / "tenant")).items():
        body["metadata"]["namespace"] = "team-a"
        assert tenant[key] == body


@needs_kubectl
def test_the_overlay_for_runtime_class_manager_changes_the_handler_and_nothing_else() -> None:
    changed = by_name(kubectl_kustomize("overlays/runtime-class-manager"))
    for body in changed.values():
        if body["kind"] == "RuntimeClass":
            assert body["handler"] == "spin-v2"
            body["handler"] = "spin"
    assert changed == by_name(build(CLUSTER_MANIFESTS / "base"))


@needs_kubectl
def test_an_api_server_takes_a_tenants_namespace_twice(
    server: KubernetesServer, administrator: Operator, authority: trustme.CA, tmp_path: Path
) -> None:
    certificate = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"server": server.endpoint, "certificate-authority": str(certificate)}
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": cluster}],
                "users": [{"name": "root", "user": {"token": ADMINISTRATOR}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "root"}}],
                "current-context": "here",
            }
        )
    )
    for folder, said in (
        ("base", ""),
        ("examples/tenant", "created"),
        ("examples/tenant", ("unchanged", "limitrange/functions configured")),
    ):
        command = ["kubectl", f"--kubeconfig={kubeconfig}", f"--cache-dir={tmp_path}", "apply", "-k"]
        done = subprocess.run([*command, CLUSTER_MANIFESTS / folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        # The server fills in the LimitRange's defaults, which kubectl takes for a difference.
        assert all(line.endswith(said) for line in done.stdout.splitlines()), done.stdout
    tenant = administrator.within("team-a")
    assert tenant.find(NAMESPACES, "team-a")
    for resource, names in (
        (EXECUTORS, {"spot", "on-demand"}),
        (ROLE_BINDINGS, {"blue-faas-deployer"}),
        (QUOTAS, {"functions"}),
        (LIMITS, {"functions"}),
        (POLICIES, {"functions", "nothing-unless-allowed"}),
    ):
        assert {body["metadata"]["name"] for body in tenant.list(resource)} == names


def scheduling(name: str) -> dict[str, Any]:
    """A RuntimeClass's scheduling."""
    found: dict[str, Any] = by_name(build(CLUSTER_MANIFESTS / "base"))["RuntimeClass", name]["scheduling"]
    return found


def test_spot_is_tolerated_and_not_asked_for_and_on_demand_is_asked_for() -> None:
    spot, on_demand = scheduling("spin-spot"), scheduling("spin-on-demand")
    assert spot["tolerations"] == [{"operator": "Equal", **SPOT_TAINT}]
    assert "karpenter.sh/capacity-type" not in spot["nodeSelector"]
    assert on_demand["nodeSelector"]["karpenter.sh/capacity-type"] == "on-demand"
    assert "tolerations" not in on_demand


@needs_kubectl
def test_the_node_pools_make_nodes_that_the_runtime_classes_look_for() -> None:
    pools = {key[1]: body["spec"] for key, body in by_name(kubectl_kustomize("examples/karpenter")).items()}
    node_class = pools.pop("blue-faas-spin")
    assert "containerd-shim-spin" in node_class["userData"]
    assert "runtimes.spin]" in node_class["userData"]
    for pool in pools.values():
        template = pool["template"]
        assert template["metadata"]["labels"].items() >= {"spin": "true"}.items()
        (capacity,) = [r for r in template["spec"]["requirements"] if r["key"] == "karpenter.sh/capacity-type"]
        taints = [SPOT_TAINT] if capacity["values"] == ["spot"] else []
        assert template["spec"].get("taints", []) == taints
    assert pools["blue-faas-spot"]["weight"] > pools["blue-faas-on-demand"]["weight"]


def test_the_nodes_of_the_one_machine_cluster_look_like_those_of_the_pools() -> None:
    for capacity_type, name in NODE_NAMES.items():
        node = node_object(name, capacity_type)
        assert (
            node["metadata"]["labels"].items() >= {"spin": "true", "karpenter.sh/capacity-type": capacity_type}.items()
        )
        assert node["spec"].get("taints", []) == ([SPOT_TAINT] if capacity_type == "spot" else [])
