"""Code that runs while it is built, and means harm: it learns nothing, changes nothing, and ends with its step."""

import json
import os
import secrets
from pathlib import Path

import pytest

from local.cloud.places import shared_root
from local.cloud.supervisor import Cloud
from local.kubernetes.kubeconfig import access_from_kubeconfig
from tests.e2e.conftest import PLANTED
from tests.security.service.stores import command_lines
from tests.support.background import repeatedly
from tests.support.client import COMPONENT, ROOT, Client, spin_toml, zipped

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root, builds run as the user who started the cloud")

ATTACKS = Path(__file__).parent / "attacks"
WORKSPACE = "hostile-sources"
PASSWORD = f"password-{secrets.token_hex(12)}"
NEIGHBOUR = f"neighbour-{secrets.token_hex(12)}"
CREDENTIALS_ENDPOINT = ("169.254.170.2", 80)  # containers; 169.254.169.254: instances (AWS SDKs, credential providers)
METADATA_ENDPOINT = ("169.254.169.254", 80)
EVIL = b"""import os, pathlib, sys
print("EVIL CODE RAN", file=sys.stderr)
os._exit(66)
"""


def attack(program: str, orders: dict[str, object], command: str) -> bytes:
    """An upload that runs a program of `ATTACKS` as its build command."""
    return zipped(
        **{
            "spin.toml": spin_toml(command),
            "app.wasm": COMPONENT,
            program: (ATTACKS / program).read_bytes(),
            "orders.json": json.dumps(orders).encode(),
        }
    )


def backwards(*needles: str) -> list[str]:
    return [needle[::-1] for needle in needles]


class TestStealing:
    @pytest.fixture(scope="class")
    @staticmethod
    def loot(running_cloud: Cloud, cloud: Client) -> str:
        """What an attack printed that looked around while a neighbour, and it itself, were built and pushed."""
        admin_token = str(access_from_kubeconfig(running_cloud.kubeconfig).token)
        orders = {
            "needles": backwards(PLANTED, PASSWORD, NEIGHBOUR, admin_token),
            "patterns": [f"{running_cloud.work}/*/*", "/tmp/blue-faas-build-*/*"],
            "paths": [
                str(running_cloud.state),
                str(shared_root()),
                "/root",
                "/var/lib",
                "/run",
                "/etc",
                *_all_files(running_cloud),
            ],
            "addresses": [
                CREDENTIALS_ENDPOINT,
                METADATA_ENDPOINT,
                ("127.0.0.1", running_cloud.port),
                ("127.0.0.1", int(running_cloud.aws_endpoint.rpartition(":")[2])),
            ],
            "seconds": 8,
        }
        registry = {"registry_url": cloud.repository, "username": "AWS", "password": PASSWORD}
        look = attack("look_around.py", orders, "python look_around.py")
        attacking = cloud.start("app.zip", look, workspace_id=WORKSPACE, **registry)
        seen: set[str] = set()
        with repeatedly(lambda: _note_environments(seen)):
            for number in range(3):
                source = zipped(
                    **{"spin.toml": spin_toml(f"sleep {number}"), "app.wasm": COMPONENT, "key": NEIGHBOUR.encode()}
                )
                neighbour = cloud.start("app.zip", source, workspace_id="neighbour", **registry)
                cloud.wait(neighbour, "neighbour")
            task = cloud.wait(attacking, WORKSPACE)
        assert any(PLANTED in each for each in seen), "the builder's environment did not have what the attack was after"
        assert task["status"] == "failed"
        assert PASSWORD not in task["error"]
        assert "The login to registry" in task["error"] or "The push" in task["error"], task["error"]
        return cloud.build_log(attacking, WORKSPACE)

    def test_it_was_tried(self, loot: str) -> None:
        assert "ATTACK COMPLETE" in loot

    def test_no_secret_was_found(self, loot: str) -> None:
        """Not the builder's environment, not the registry password, not another task's source."""
        assert "FOUND" not in loot

    def test_no_address_was_reached(self, loot: str) -> None:
        """Not the credentials endpoint, not the AWS APIs, not the API itself."""
        assert "REACHED" not in loot


def test_nothing_outside_its_folder_can_be_written_or_ended(running_cloud: Cloud, cloud: Client) -> None:
    code = [ROOT / name for name in ("builder_image", "functions", "local", "infra")]
    places = [running_cloud.state, shared_root(), *code, "/etc", "/usr/bin", "/usr/local/bin", "/root"]
    folders = [str(place) for place in places]
    task_id = cloud.start(
        "app.zip", attack("reach_out.py", {"folders": folders}, "python reach_out.py"), workspace_id=WORKSPACE
    )
    beside = cloud.start("app.zip", _honest(1), workspace_id=WORKSPACE)
    task = cloud.wait(task_id, WORKSPACE)
    assert task["status"] == "done", task["error"]
    log = cloud.build_log(task_id, WORKSPACE)
    assert "ATTACK COMPLETE" in log
    for harm in ("WROTE", "COULD CHANGE", "COULD END", "BECAME"):
        assert harm not in log
    assert cloud.wait(beside, WORKSPACE)["status"] == "done"


def test_a_process_left_behind_does_not_see_the_push(cloud: Client) -> None:
    marker = f"left-behind-{secrets.token_hex(8)}"
    source = attack("stay_behind.py", {}, f"python stay_behind.py {marker}")
    task_id = cloud.start("app.zip", source, workspace_id=WORKSPACE)
    task = cloud.wait(task_id, WORKSPACE)
    assert task["status"] == "done", task["error"]
    assert "ATTACK COMPLETE" in cloud.build_log(task_id, WORKSPACE)
    assert cloud.object_of(task["result"]["wasm_path"]) == COMPONENT
    assert not [name for name, line in command_lines() if marker.encode() in line]


_PLUGIN = {
    "mypy.ini": b"[mypy]\nplugins = evil.py\n",
    "setup.cfg": b"[mypy]\nplugins = evil.py\n",
    "pyproject.toml": b'[tool.mypy]\nplugins = ["evil.py"]\n',
    ".mypy.ini": b"[mypy]\nplugins = evil.py\npython_executable = ./evil.py\n",
}
_BESIDE_THE_APP = (
    "sitecustomize.py",
    "usercustomize.py",
    "conftest.py",
    "mypy.py",
    "json.py",
    "builder.py",
    "functions.py",
)


def test_nothing_beside_the_app_runs_in_the_type_check(cloud: Client) -> None:
    """Plugins in each configuration file of mypy; modules under names that tools import."""
    app = {"spin.toml": spin_toml("true"), "app.wasm": COMPONENT, "app.py": b"value: int = 1\n"}
    beside = {**dict.fromkeys(_BESIDE_THE_APP, EVIL), **_PLUGIN, "evil.py": EVIL}
    task_id = cloud.start("app.zip", zipped(**app, **beside), workspace_id=WORKSPACE)
    task = cloud.wait(task_id, WORKSPACE)
    assert task["status"] == "done", task["error"]
    assert "EVIL CODE RAN" not in cloud.build_log(task_id, WORKSPACE)


def test_a_requirement_that_would_run_something_is_named_and_refused(cloud: Client) -> None:
    """One of its kind: tests/unit/builder has them all."""
    app = {"spin.toml": spin_toml("true"), "app.wasm": COMPONENT, "setup.py": EVIL, "requirements.txt": b"-e .\n"}
    task_id = cloud.start("app.zip", zipped(**app), workspace_id=WORKSPACE)
    task = cloud.wait(task_id, WORKSPACE)
    assert task["status"] == "failed"
    assert "requirements.txt" in task["error"]
    assert "-e" in task["error"]
    assert "EVIL CODE RAN" not in cloud.build_log(task_id, WORKSPACE)


def _honest(number: int) -> bytes:
    return zipped(**{"spin.toml": spin_toml("true"), "app.wasm": COMPONENT, "number": str(number).encode()})


def _all_files(cloud: Cloud) -> list[str]:
    """Every file of the cloud by its full name: what cannot be listed may still be guessed."""
    return [str(path) for path in cloud.state.rglob("*") if path.is_file()]


def _note_environments(texts: set[str]) -> None:
    """Add the environment of every process: only root can see them all."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                texts.add((folder / "environ").read_text(errors="replace"))
            except OSError:
                continue
