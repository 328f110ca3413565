"""Whole builds of hostile uploads."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from builder.sandbox.processes import of_user
from builder.sandbox.users import USERS

from functions.contracts.build_result import BuildResult
from tests.unit.builder.harness import (
    BUCKET,
    COMPONENT,
    FIRST_UID,
    MAKE_COMPONENT,
    REGION,
    ROOT,
    TABLE,
    TASK,
    TOOLCHAIN,
    WORKSPACE,
    Cloud,
    manifest,
    open_folder,
    zipped,
)


def _error(cloud: Cloud, files: dict[str, str | bytes]) -> str | None:
    cloud.submit("app.zip", zipped(files), login=("ci", "registry-password"))
    result = cloud.build()
    assert result is not None
    for uid in range(FIRST_UID, FIRST_UID + USERS):
        assert list(of_user(uid)) == []
    return result.error


def test_a_build_command_sees_no_secret(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "role-secret")
    command = f"env; cat /proc/[0-9]*/environ | tr '\\\\0' '\\\\n'; ls -la ../..; {MAKE_COMPONENT}"
    assert _error(cloud, {"spin.toml": manifest(command)}) is None
    build_output = "\n".join(line for line in cloud.log.splitlines() if line.startswith("build | "))
    for secret in ("role-secret", "registry-password", "AWS_", "TASK_", BUCKET):
        assert secret not in build_output


@pytest.mark.parametrize("target", ["/etc/passwd", "/proc/self/environ", "../../upload", "real.wasm"])
def test_a_component_that_became_a_link(cloud: Cloud, target: str) -> None:
    error = _error(cloud, {"spin.toml": manifest(f"rm -f app.wasm; ln -s {target} app.wasm"), "real.wasm": COMPONENT})
    assert "symbolic link" in str(error)
    assert cloud.calls() == []


def test_files_that_became_links(cloud: Cloud) -> None:
    command = f"{MAKE_COMPONENT}; rm -r assets; ln -s /etc assets"
    error = _error(cloud, {"spin.toml": manifest(command, files='["assets"]'), "assets/a": "x"})
    assert "symbolic link" in str(error)
    assert cloud.calls() == []


def test_links_in_the_upload(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(None)}, links={"app.wasm": "/etc/passwd"}))
    result = cloud.build()
    assert result is not None
    assert "not a plain file" in str(result.error)


def test_a_manifest_that_the_build_rewrites_stays_as_it_was_checked(cloud: Cloud) -> None:
    command = f"{MAKE_COMPONENT}; sed -i s,app.wasm,/etc/passwd, spin.toml; rm -f ../app/spin.toml"
    text = manifest(command)
    assert _error(cloud, {"spin.toml": text}) is None
    pushed = cloud.calls()[-1]["files"]
    assert bytes.fromhex(pushed["spin.toml"]).decode() == text


def test_a_process_left_behind_cannot_change_what_is_pushed(cloud: Cloud) -> None:
    swap = "while :; do echo evil > app.wasm; done"
    command = f'{MAKE_COMPONENT}; cp app.wasm kept; (setsid sh -c "sleep 0.3; {swap}" </dev/null >/dev/null 2>&1 &)'
    assert _error(cloud, {"spin.toml": manifest(command)}) is None
    assert bytes.fromhex(cloud.calls()[-1]["files"]["app.wasm"]) == COMPONENT


def test_a_build_that_does_not_end(cloud: Cloud) -> None:
    cloud.limits = cloud.limits.model_copy(update={"build_seconds": 0.5})
    error = _error(cloud, {"spin.toml": manifest("echo working; sleep 1000")})
    assert str(error).splitlines()[0] == "Build failed: the build took longer than 0.5 seconds"


def test_what_a_build_prints_is_no_control_sequence_in_the_log(cloud: Cloud) -> None:
    command = f"printf '\\\\033]0;title\\\\007\\\\033[31mred\\\\033[0m\\\\rover\\\\n'; {MAKE_COMPONENT}"
    assert _error(cloud, {"spin.toml": manifest(command)}) is None
    assert "\x1b" not in cloud.log
    assert "\r" not in cloud.log
    assert "build | " in cloud.log


_PROCESS = """\
import sys
sys.path[:0] = sys.argv[1:3]
from moto import mock_aws
from tests.unit.builder.harness import COMPONENT, REGION, Cloud, make_account, manifest, zipped
from builder.command import main
from pathlib import Path
with mock_aws():
    cloud = Cloud(make_account(), Path(sys.argv[3]), Path("unused"))
    cloud.submit("app.zip", zipped({"spin.toml": manifest(sys.argv[4])}))
    status = main()
    print(cloud.report().model_dump_json())
sys.exit(status)
"""


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "TASK_TABLE": TABLE,
        "CODE_BUCKET": BUCKET,
        "WORKSPACE_ID": WORKSPACE,
        "TASK_ID": TASK,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "BLUE_FAAS_TOOLCHAIN": str(TOOLCHAIN),
        "BLUE_FAAS_BUILD_USER": str(FIRST_UID),
        "BLUE_FAAS_WORK_DIR": str(folder / "work"),
    }


@pytest.mark.parametrize(("command", "status"), [(MAKE_COMPONENT, 0), ("false", 1)])
def test_the_process_as_codebuild_starts_it(tmp_path: Path, command: str, status: int) -> None:
    """Settings from the environment, exit status, and an environment that the build cannot read."""
    look = "cat /proc/[0-9]*/environ | tr '\\\\0' '\\\\n' | grep TASK_TABLE"
    with open_folder() as folder:
        arguments = [str(ROOT), str(ROOT / "builder_image"), str(folder), f"{look}; {command}"]
        run = subprocess.run(
            [sys.executable, "-I", "-c", _PROCESS, *arguments],
            env=_environment(folder),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not list((folder / "work").iterdir())
    assert run.returncode == status, run.stdout + run.stderr
    assert run.stderr == ""
    assert f"TASK_TABLE={TABLE}" not in run.stdout
    report = BuildResult.model_validate_json(run.stdout.splitlines()[-1])
    assert report.outcome == ("failed" if status else "succeeded")
    assert report.toolchain["spin"] == "3.6.3"


def test_a_build_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    with open_folder() as folder:
        arguments = [str(ROOT), str(ROOT / "builder_image"), str(folder), "echo running; setsid sleep 1000"]
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROCESS, *arguments],
            env=_environment(folder),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert any("build | running" in line for line in process.stdout)
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
        assert not list((folder / "work").iterdir())
    assert not [pid for uid in range(FIRST_UID, FIRST_UID + USERS) for pid, _ in of_user(uid)]
