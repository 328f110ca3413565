"""What of the real control plane's part can be tested without one: finding programs, command lines, webhook, report."""

import base64
import json
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from conformance.control_plane import programs
from conformance.control_plane.__main__ import facts, main
from conformance.control_plane.plane import ALL, ANONYMOUS, Tokens, apiserver_arguments, controller_manager_arguments
from conformance.control_plane.schemas import built_in_schemas
from conformance.control_plane.suites import Outcome, read
from conformance.control_plane.webhook import AdmissionWebhook, registrations
from conformance.go_programs import MissingError
from conformance.report import NOT_RUN
from local.kubernetes.api.admission import admit, mutate
from local.kubernetes.api.resources import BUILTIN_RESOURCES
from local.kubernetes.certificates import make_certificate

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager")


def assets(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("#!/bin/sh\necho Kubernetes v1.36.3\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no Go and on which nothing was built before."""
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("no_go")
def test_a_machine_without_go_is_told_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets(tmp_path, "etcd")))
    assert main() == NOT_RUN
    said = capsys.readouterr()
    assert said.err.startswith("Missing: Go on PATH, to build kube-apiserver, kube-controller-manager (or KUBEBUILDER")
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.usefixtures("no_go")
def test_what_is_missing_is_named(tmp_path: Path) -> None:
    given = {"PATH": str(tmp_path / "nothing"), "KUBEBUILDER_ASSETS": str(assets(tmp_path, *NAMES[:2]))}
    with pytest.raises(MissingError, match=r"Go on PATH, to build kube-controller-manager \(or"):
        programs.find(given)
    with pytest.raises(MissingError, match="not a folder"):
        programs.find({**given, "KUBEBUILDER_ASSETS": str(tmp_path / "nowhere")})


def test_ready_programs_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = assets(tmp_path, *NAMES)
    found = programs.find({"PATH": "", "KUBEBUILDER_ASSETS": str(folder)})
    assert found == {name: folder / name for name in NAMES}
    assert programs.version_of(found["kube-apiserver"]) == "1.36.3"


def test_the_module_pins_what_is_built() -> None:
    module = (programs.MODULE / "go.mod").read_text()
    sums = (programs.MODULE / "go.sum").read_text()
    command = programs.build_command("go", "kube-apiserver", Path("bin"))
    for required in ("k8s.io/kubernetes", "go.etcd.io/etcd/server/v3"):
        assert f"{required} v" in sums
    assert command[:3] == ["go", "build", "-mod=readonly"]
    assert command[-3:] == ["-o", "bin/kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"]
    version = next(line.split()[1] for line in module.splitlines() if line.startswith("\tk8s.io/kubernetes v"))
    assert f"gitVersion={version}" in command[command.index("-ldflags") + 1]
    staging = version.replace("v1.", "v0.")
    assert all(line.endswith(staging) for line in module.splitlines() if "=> k8s.io" in line)


def test_everything_listens_on_this_machine_only_and_no_secret_is_in_a_command_line(tmp_path: Path) -> None:
    tokens = Tokens()
    path = tmp_path / "file"
    server = apiserver_arguments(
        etcd_url="http://127.0.0.1:1",
        url="https://127.0.0.1:2",
        certificate=path,
        key=path,
        tokens=path,
        authentication=path,
        account_key=path,
        scratch=path,
    )
    manager = controller_manager_arguments(kubeconfig=path, ca_file=path, account_key=path, controllers=ALL)
    for arguments in (server, manager):
        assert "--bind-address=127.0.0.1" in arguments
        assert not [text for text in arguments for secret in vars(tokens).values() if secret in text]
    assert "--secure-port=2" in server
    assert {entry["path"] for entry in ANONYMOUS["anonymous"]["conditions"]} == {"/livez", "/readyz", "/healthz"}


def test_the_deployer_is_in_its_group_and_in_no_other() -> None:
    tokens = Tokens()
    lines = [line.split(",") for line in tokens.lines().splitlines()]
    assert next(line for line in lines if line[0] == tokens.deployer)[1:] == [
        "deployer",
        "",
        '"blue-faas-deployer"',
    ]


class Executors:
    """An API server that has executors and nothing else."""

    def list(self, *_: object) -> dict[str, Any]:
        executor = {"metadata": {"name": "spot", "namespace": "n", "uid": "1"}, "spec": {"createDeployment": True}}
        return {"items": [executor]}


def reviewed(folder: Path, rule: Any, spec: dict[str, Any]) -> dict[str, Any]:
    webhook = AdmissionWebhook(Executors(), folder)  # type: ignore[arg-type]
    body = {"apiVersion": "core.spinkube.dev/v1alpha1", "kind": "SpinApp", "metadata": {"name": "a"}, "spec": spec}
    request = {"uid": "u", "namespace": "n", "resource": {"resource": "spinapps"}, "object": body}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    answer: dict[str, Any] = webhook._review(review, rule)["response"]
    if patch := answer.get("patch"):
        answer["after"] = jsonpatch.apply_patch(body, json.loads(base64.b64decode(patch)))
    return answer


def test_the_webhook_patches_what_the_operator_would(tmp_path: Path) -> None:
    answer = reviewed(tmp_path, mutate, {"image": "x", "replicas": 1})
    assert (answer["uid"], answer["allowed"]) == ("u", True)
    assert answer["after"]["spec"]["executor"] == "spot"
    assert "namespace" not in answer["after"]["metadata"]


def test_the_webhook_refuses_what_the_operator_would(tmp_path: Path) -> None:
    answer = reviewed(tmp_path, admit, {"image": "x", "replicas": 1, "executor": "none"})
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 422
    assert answer["status"]["message"].startswith('SpinApp.core.spinkube.dev "a" is invalid: spec.executor')


def test_four_webhooks_are_registered(tmp_path: Path) -> None:
    names = [
        webhook["name"]
        for _, body in registrations("https://127.0.0.1:1", make_certificate(tmp_path, "127.0.0.1"))
        for webhook in body["webhooks"]
    ]
    assert names == ["mspinapp.kb.io", "mspinappexecutor.kb.io", "vspinapp.kb.io", "vspinappexecutor.kb.io"]


def test_a_junit_report_is_read_for_the_real_server_only(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="t" name="test_a[stand-in]"><failure message="no"/></testcase>
        <testcase classname="t" name="test_a[kube-apiserver]"/>
        <testcase classname="t" name="test_b[kube-apiserver-1]"><failure message="no"/></testcase>
        <testcase classname="t" name="test_c[kube-apiserver]"><skipped message="differs: slower"/></testcase>
        <testcase classname="t" name="test_d[kube-apiserver]"><skipped message="no kubectl"/></testcase>
        </testsuite></testsuites>"""
    )
    outcome = read(report)
    assert outcome == Outcome(1, ["t.test_b[kube-apiserver-1]"], {"test_c": "slower"})
    shown = facts({"etcd": "3.6"}, "kubectl", {"tests/x": outcome}, ["deployed"], "no answer")
    assert shown["tests/x"] == "1 passed, 1 failed, 1 not run (differences below)"
    assert shown["difference: slower"] == "`test_c`"
    assert shown["`make local` on it"] == "deployed; FAILED: no answer"


def test_schemas_take_of_the_documents_what_the_stand_in_reads(tmp_path: Path) -> None:
    """Every kind gets the same small document here; what counts is what is kept of it."""
    reference = "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"
    kind = {
        "type": "object",
        "description": "left out",
        "required": ["size"],
        "properties": {
            "size": {"default": "", "allOf": [{"$ref": reference}]},
            "ports": {
                "type": "array",
                "items": {"type": "string", "default": "", "format": "left out"},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "x-kubernetes-patch-strategy": "merge",
                "x-kubernetes-patch-merge-key": "name",
            },
            "protocol": {"type": "string", "default": "TCP"},
        },
    }
    types = {"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": kind}
    for resource in (found for found in BUILTIN_RESOURCES if found.schema is not None):
        group, version = resource.group, resource.version
        types[f"io.k8s.api.{(group or 'core').partition('.')[0]}.{version}.{resource.kind}"] = kind
        name = f"apis__{group}__{version}" if group else f"api__{version}"
        (tmp_path / f"{name}_openapi.json").write_text(json.dumps({"components": {"schemas": types}}))
    made = json.loads(built_in_schemas(tmp_path))
    assert {"V1Pod", "V1Event", "V2HorizontalPodAutoscaler", "V1ObjectMeta"} <= made.keys()
    ports = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    assert made["V1Pod"] == {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"x-kubernetes-int-or-string": True, "format": "quantity"},
            "ports": {
                "type": "array",
                "items": {"type": "string"},
                "x-kubernetes-patch-merge-key": "name",
                **ports,
            },
            "protocol": {"type": "string", "default": "TCP"},
        },
    }
