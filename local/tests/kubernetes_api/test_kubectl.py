"""kubectl against the server, where there is one on PATH."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from local.tests.kubernetes_api.conftest import EXECUTOR, ApiServer, Http, deployment, spinapp, spinapps

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def run(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    folder = tmp_path_factory.mktemp("kubectl")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server.url, "certificate-authority": str(server.ca)}}],
        "users": [{"name": "u", "user": {"token": server.token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (folder / "config").write_text(yaml.safe_dump(config))

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        command = ["kubectl", f"--kubeconfig={folder / 'config'}", f"--cache-dir={folder / 'cache'}", *arguments]
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "KUBECTL_KYAML": "false"}
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=30, env=environment)
        assert (done.returncode != 0) == fails, done.stderr + done.stdout
        return done.stderr if fails else done.stdout

    return run


def test_get_shows_the_printer_columns(run: Kubectl, http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    http.ok("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment("d"))
    lines = run("get", "spinapps", "-n", namespace).splitlines()
    assert lines[0].split() == ["NAME", "READY", "DESIRED", "EXECUTOR"]
    assert lines[1].split()[:3] == ["a", "1", EXECUTOR]
    assert "0/1" in run("get", "deploy,svc,hpa", "-n", namespace)
    assert "kind: SpinApp" in run("get", "spinapp", "a", "-n", namespace, "-o", "yaml")


def test_client_side_apply_then_again(run: Kubectl, namespace: str) -> None:
    assert "created" in run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(spinapp("kc")))
    assert "configured" in run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(spinapp("kc", replicas=3)))
    assert "unchanged" in run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(spinapp("kc", replicas=3)))
    body = deployment("d")
    assert "created" in run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(body))
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
    assert "configured" in run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(body))


def test_apply_refuses_unknown_fields(run: Kubectl, namespace: str) -> None:
    error = run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(spinapp("kc", imagee="x")), fails=True)
    assert 'strict decoding error: unknown field "spec.imagee"' in error


def test_server_side_apply(run: Kubectl, namespace: str) -> None:
    body = json.dumps(spinapp("ks"))
    assert "serverside-applied" in run("apply", "-n", namespace, "--server-side", "-f", "-", stdin=body)


def test_apply_kustomization_of_a_cluster_set_up(run: Kubectl, http: Http, namespace: str, tmp_path: Path) -> None:
    documents = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "r"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "b"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"kind": "Group", "name": "g", "apiGroup": "rbac.authorization.k8s.io"}],
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "n"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "20"}}},
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "l"},
            "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]},
        },
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": f"rc-{namespace}"},
            "handler": "spin",
            "scheduling": {"nodeSelector": {"a": "b"}},
        },
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(documents))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"namespace": namespace, "resources": ["all.yaml"]}))
    assert run("apply", "-k", str(tmp_path)).count("created") == 6
    again = run("apply", "-k", str(tmp_path))
    # The server fills a LimitRange's defaults in, so kubectl finds a difference every time.
    assert (again.count("unchanged"), again.count("configured")) == (5, 1)
    http.ok("DELETE", f"/apis/node.k8s.io/v1/runtimeclasses/rc-{namespace}")


@pytest.mark.stand_in_only("no kubelet answers where the API server looks for one")
def test_logs(run: Kubectl, http: Http, namespace: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    http.ok("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    assert run("logs", "p", "--tail=3", "-n", namespace) == "p 3\n"


def test_describe_wait_and_delete(run: Kubectl, http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    assert "containerd-shim-spin" in run("describe", "spinapp", "a", "-n", namespace)
    run("wait", "--for=jsonpath={.spec.replicas}=1", "spinapp/a", "-n", namespace, "--timeout=5s")
    assert "deleted" in run("delete", "spinapp", "a", "-n", namespace)
    http.refused(404, "GET", spinapps(namespace, "a"))


def test_discovery(run: Kubectl) -> None:
    assert "Server Version: v1.36" in run("version")
    listed = run("api-resources")
    assert "spinapps" in listed
    assert "horizontalpodautoscalers" in listed


def test_create_namespace_then_apply_into_it_and_delete_it(run: Kubectl, http: Http, namespace: str) -> None:
    made = f"{namespace}-k"
    assert "created" in run("create", "namespace", made)
    again = run("create", "namespace", made, fails=True)
    assert "AlreadyExists" in again
    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {pods: '3'}}\n"
    run("apply", "-n", made, "-f", "-", stdin=quota)
    assert http.ok("GET", f"/api/v1/namespaces/{made}/resourcequotas/q")["spec"]["hard"] == {"pods": "3"}
    run("delete", "namespace", made)
    http.gone(f"/api/v1/namespaces/{made}")


@pytest.mark.stand_in_only("it reads protobuf of no other kind")
def test_other_kinds_in_protobuf_are_refused_with_the_way_around(run: Kubectl, namespace: str) -> None:
    here = ("-n", namespace)
    assert "apply it" in run("create", "configmap", "c", "--from-literal=a=b", *here, fails=True)
    body = run("create", "configmap", "c", "--from-literal=a=한글", "--dry-run=client", "-o", "yaml", *here)
    assert "created" in run("apply", "-f", "-", *here, stdin=body)


def test_rollout_and_set_image(run: Kubectl, http: Http, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    http.ok("POST", path, deployment("d"))
    run("set", "image", "deploy/d", "c=i:9", "-n", namespace)
    run("rollout", "restart", "deploy/d", "-n", namespace)
    template = http.ok("GET", f"{path}/d")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "i:9"
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
