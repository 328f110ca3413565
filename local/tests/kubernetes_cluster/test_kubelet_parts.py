"""The kubelet's small tools: environments, image checks, logs, leftovers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.command_line import options
from local.kubernetes import kustomization
from local.kubernetes.kubelet import logs as log_files
from local.kubernetes.kubelet.environment import expand
from local.kubernetes.kubelet.images import SPIN_CONFIG_LAYER, WASM_LAYER, UnusableImageError, check_for_shim
from local.kubernetes.kubelet.leftovers import record_process, start_time, stop_leftovers
from local.kubernetes.kubelet.process import host_environment
from local.kubernetes.seed import SeedOptions, seed_objects

WASM_CONFIG = {"architecture": "wasm", "os": "wasip1", "rootfs": {"type": "layers", "diff_ids": []}}


def test_references_expand_as_kubernetes_expands_them() -> None:
    assert expand("$(A)-$(B)-$$(A)-$X", {"A": "1"}) == "1-$(B)-$(A)-$X"


@given(st.text(), st.dictionaries(st.sampled_from("ABC"), st.text()))
def test_text_without_a_dollar_stays_as_it_is(text: str, environment: dict[str, str]) -> None:
    plain = text.replace("$", "")
    assert expand(plain, environment) == plain


def test_a_pods_variables_do_not_steer_its_host_process() -> None:
    given_variables = {"SPIN_VARIABLE_A": "1", "PATH": "/evil", "PYTHONPATH": "/evil", "LD_PRELOAD": "/evil.so"}
    passed = host_environment(given_variables)
    assert passed.keys() == {"SPIN_VARIABLE_A", "PATH"}
    assert passed["PATH"] != "/evil"


def test_what_the_shim_runs() -> None:
    check_for_shim(WASM_CONFIG, [WASM_LAYER, SPIN_CONFIG_LAYER])
    check_for_shim(WASM_CONFIG, ["application/wasm"])


@pytest.mark.parametrize(
    ("config", "layers", "message"),
    [
        (WASM_CONFIG | {"architecture": "amd64"}, [WASM_LAYER, SPIN_CONFIG_LAYER], 'architecture "amd64", not "wasm"'),
        ({"architecture": "wasm"}, [WASM_LAYER, SPIN_CONFIG_LAYER], 'no "os" field'),
        (WASM_CONFIG | {"rootfs": {"diff_ids": ["x"]}}, [WASM_LAYER, SPIN_CONFIG_LAYER], "diff_ids"),
        (WASM_CONFIG, [WASM_LAYER], SPIN_CONFIG_LAYER),
        (WASM_CONFIG, [SPIN_CONFIG_LAYER], WASM_LAYER),
        (WASM_CONFIG, ["application/wasm", "application/wasm"], SPIN_CONFIG_LAYER),
    ],
)
def test_what_the_shim_does_not_run(config: dict[str, object], layers: list[str], message: str) -> None:
    with pytest.raises(UnusableImageError) as caught:
        check_for_shim(config, layers)
    assert message in str(caught.value)


def test_a_log_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MOST_BYTES", 2000)
    log = log_files.LogFile(tmp_path / "0.log")
    for number in range(200):
        log.write("stdout", f"line {number}\n".encode())
    log.close()
    lines = [log_files.parse_line(line).text for line in (tmp_path / "0.log").read_text().splitlines()]
    assert (tmp_path / "0.log").stat().st_size <= 2000
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
    yield process
    process.kill()
    process.wait()


def test_a_leftover_is_stopped(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    record_process(tmp_path / "a.json", sleeper.pid)
    assert stop_leftovers(tmp_path) == 1
    assert sleeper.wait(timeout=10) == -9
    assert start_time(sleeper.pid) is None
    assert not list(tmp_path.iterdir())


def test_a_stranger_with_the_same_pid_is_left_alone(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"pid": sleeper.pid, "started": "1"}))
    (tmp_path / "b.json").write_text("not json")
    assert stop_leftovers(tmp_path) == 0
    assert sleeper.poll() is None
    assert not list(tmp_path.iterdir())


def test_the_seed_is_what_the_manifests_say(tmp_path: Path) -> None:
    for part, resource in (("base", "role.yaml"), ("tenant", "binding.yaml")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "kustomization.yaml").write_text(f"resources: [{resource}]\n")
    (tmp_path / "base" / "role.yaml").write_text("kind: ClusterRole\nmetadata: {name: deployer}\nrules: []\n")
    (tmp_path / "tenant" / "binding.yaml").write_text("kind: RoleBinding\nmetadata: {name: deployer}\n")
    options = SeedOptions(manifests=tmp_path, tenants=("default", "second"))
    placed = [(resource.kind, namespace) for resource, namespace, _ in seed_objects(options)]
    assert placed[-3:] == [("ClusterRole", None), ("RoleBinding", "default"), ("RoleBinding", "second")]

    (tmp_path / "base" / "role.yaml").write_text("kind: Tomato\nmetadata: {name: x}\n")
    with pytest.raises(ValueError, match="kind 'Tomato'"):
        list(seed_objects(options))


def test_the_seed_lets_functions_measure_as_the_manifests_say() -> None:
    plain, measured = (list(seed_objects(SeedOptions(measured=measured))) for measured in (False, True))
    endpoints = []
    for resource, _, body in measured:
        if resource.kind == "SpinAppExecutor":
            endpoints.append(body["spec"]["deploymentConfig"].pop("otel")["exporter_otlp_endpoint"])
    assert measured == plain
    assert endpoints == ["http://collector.blue-faas-metrics.svc.cluster.local:4318"] * 2


@pytest.mark.parametrize(
    "patch",
    [
        {"target": {"kind": "SpinAppExecutor"}, "patch": "[{op: remove, path: /spec}]"},
        {"target": {"kind": "SpinAppExecutor", "name": "spot"}, "patch": "[]"},
    ],
)
def test_a_component_that_does_more_is_refused(tmp_path: Path, patch: dict[str, Any]) -> None:
    (tmp_path / "kustomization.yaml").write_text(json.dumps({"patches": [patch]}))
    with pytest.raises(ValueError, match="does more than add fields"):
        kustomization.patch([], tmp_path)


def test_options_are_written_as_their_parsers_read_them() -> None:
    values = {"port": 0, "state_dir": Path("a b"), "keep_state": True, "verbose": False, "issuer": None}
    assert options(**values, local_port=(1, 2)) == [
        "--port=0",
        "--state-dir=a b",
        "--keep-state",
        "--local-port=1",
        "--local-port=2",
    ]
