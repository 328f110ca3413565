"""`blue up` where only the wheel is: what it unpacks and installs, when it does so again, and what it starts.

The cloud is a stub, and so is what installs its packages; `make conformance PARTS=wheel` does it with the real ones.
"""

import base64
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from blue_faas_cli.problems import Exit

ROOT = Path(__file__).resolve().parents[2]
CLOUD = """
import json, os, sys
has = {"options": sys.argv[1:], "variables": dict(os.environ), "python": sys.executable}
print(json.dumps({"version": VERSION, **has}))
"""
UV = """
import json, pathlib, sys
def main():
    with (pathlib.Path.home() / "installed").open("a") as file:
        print(json.dumps(sys.argv[1:]), file=file)
"""
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 9.9\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "entry_points.txt": "[console_scripts]\nuv = uv_stub:main\n",
}


def wheel_of_uv(folder: Path) -> str:
    """Write a wheel whose command notes what it is asked to install; returns the SHA-256 of it."""
    files = {"uv_stub.py": UV} | {f"uv-9.9.dist-info/{name}": text for name, text in METADATA.items()}
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(text.encode())}")
    files["uv-9.9.dist-info/RECORD"] = "\n".join([*rows, "uv-9.9.dist-info/RECORD,,"])
    path = folder / "uv-9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Machine:
    """A user with nothing but the wheel of `blue`, and a folder that packages come from."""

    home: Path
    code: Path
    packages: Path

    @property
    def cloud(self) -> Path:
        """Where the cloud is set up."""
        return self.home / "share" / "blue-faas" / "one-machine"

    def carries(self, version: int, sha256: str, **files: str) -> None:
        """Install a wheel with another version of the cloud."""
        packages = {"httpx==1": "0" * 64, "uv==9.9": sha256}
        lock = "".join(f"{pin} \\\n    --hash=sha256:{digest}\n    # via\n" for pin, digest in packages.items())
        contents = {
            "__init__": "",
            "__main__": f"VERSION = {version}\n{CLOUD}",
            **files,
        }
        with zipfile.ZipFile(self.code / "blue_faas_cli" / "one_machine" / "cloud.zip", "w") as archive:
            for name, text in contents.items():
                archive.writestr(zipfile.ZipInfo(f"local/{name}.py"), text)
            archive.writestr(zipfile.ZipInfo("local/requirements.txt"), lock)

    def up(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `blue up`, in a folder that has a `local` of its own."""
        (self.home / "local").mkdir(exist_ok=True)
        (self.home / "local" / "__main__.py").write_text("raise SystemExit('a stranger')")
        return subprocess.run(
            [sys.executable, "-P", "-m", "blue_faas_cli", "up", *options],
            cwd=self.home,
            env={
                "HOME": str(self.home),
                "XDG_DATA_HOME": str(self.home / "share"),
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": f"{self.code}:{ROOT}",
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.packages),
                "PIP_CONFIG_FILE": "/dev/null",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self) -> list[list[str]]:
        """What was installed, beginning with the first."""
        noted = self.home / "installed"
        return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A fresh one."""
    folder = tmp_path_factory.mktemp("machine")
    made = Machine(folder / "home", folder / "code", folder / "packages")
    made.home.mkdir()
    made.packages.mkdir()
    package = ROOT / "cli" / "src" / "blue_faas_cli"
    shutil.copytree(package, made.code / "blue_faas_cli", ignore=shutil.ignore_patterns("__pycache__"))
    return made


def test_from_a_fresh_machine_to_another_version(machine: Machine) -> None:
    """One after the other, as a user meets them: each start takes up what the one before has left."""
    sha256 = wheel_of_uv(machine.packages)

    machine.carries(1, "1" * 64)
    refused = machine.up()
    assert refused.returncode == Exit.NO_ANSWER
    assert f"Setting up the one-machine cloud in {machine.cloud}, once: about" in refused.stderr
    assert "could not be set up; pip says:\n" in refused.stderr
    assert "1" * 64 in refused.stderr
    assert machine.installed() == []

    machine.carries(1, sha256, gone="")
    own = {"KUBECONFIG": "/production", "PYTHONDONTWRITEBYTECODE": "1", "TENANCY": "policy"}
    first = machine.up("--port", "81", "--state", "kept", "--no-cluster", "--authorizer", "jwt", **own)
    assert first.returncode == 0, first.stderr
    started = json.loads(first.stdout)
    options = ["--port", "81", "--state-dir", str(machine.home / "kept"), "--no-cluster", "--authorizer", "jwt"]
    assert (started["version"], started["options"]) == (1, options)
    assert started["python"] == str(machine.cloud / ".venv" / "bin" / "python")
    assert started["variables"]["TENANCY"] == "policy"
    assert not {"KUBECONFIG", "PYTHONDONTWRITEBYTECODE"} & set(started["variables"])
    lock = machine.cloud / "local" / "requirements.txt"
    (asked,) = machine.installed()
    assert asked[-3:] == ["--require-hashes", "-r", str(lock)]

    # Nothing is fetched again.
    again = machine.up(PIP_FIND_LINKS="/nowhere")
    assert (again.returncode, again.stderr) == (0, ""), again.stderr
    assert json.loads(again.stdout)["options"] == ["--port", "8000"]

    # For as long as a cloud runs, another version leaves its files as they are; the same one may run beside it.
    machine.carries(2, sha256)
    with (machine.cloud / "lock").open() as running:
        fcntl.flock(running, fcntl.LOCK_SH)
        refused = machine.up()
        assert refused.returncode == Exit.USAGE
        assert f"Another `blue up` runs the one-machine cloud in {machine.cloud}, in another version" in refused.stderr
        machine.carries(1, sha256, gone="")
        assert json.loads(machine.up().stdout)["version"] == 1

    # A version with the same packages: its code alone is new, and what was made for builds is still there.
    (machine.cloud / "build").mkdir()
    (machine.cloud / "build" / "toolchain").touch()
    machine.carries(2, sha256)
    newer = machine.up(PIP_FIND_LINKS="/nowhere")
    assert json.loads(newer.stdout)["version"] == 2
    assert (machine.cloud / "build" / "toolchain").exists()
    assert not (machine.cloud / "local" / "gone.py").exists()
    assert len(machine.installed()) == 1

    # One with others: they are in the place of the earlier ones.
    (machine.packages / "uv-9.9-py3-none-any.whl").unlink()
    (machine.cloud / ".venv" / "earlier").touch()
    machine.carries(3, "1" * 64)
    without = machine.up()
    assert without.returncode == Exit.NO_ANSWER
    assert "No matching distribution found for uv==9.9" in without.stderr
    assert not (machine.cloud / ".venv" / "earlier").exists()
    machine.carries(3, wheel_of_uv(machine.packages))
    newest = machine.up()
    assert json.loads(newest.stdout)["version"] == 3
    assert len(machine.installed()) == 2


def test_a_data_folder_that_cannot_be_written(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = machine.up(XDG_DATA_HOME=str(tmp_path / "file"))
    assert done.returncode == Exit.USAGE
    assert f"{tmp_path / 'file'}" in done.stderr
    assert "Traceback" not in done.stderr
