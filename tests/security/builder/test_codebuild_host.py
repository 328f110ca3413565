"""The sandbox on CodeBuild's default build host: Linux 4.14, docker's default capabilities, docker's default filter."""

import os
import subprocess
import sys

from tests.unit.builder.harness import ROOT

_FILES = ("tests/security/builder/test_sandbox.py", "tests/security/builder/test_role_address.py")


def _there(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "conformance.image.host", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'builder_image'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_there_as_it_does_here() -> None:
    run = _there(sys.executable, "-m", "pytest", *_FILES, "-k", "not gigabyte", "-p", "no:cacheprovider")
    assert run.returncode == 0, run.stdout + run.stderr


def test_that_host_is_as_poor_as_the_real_one() -> None:
    calls = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"
    calls += "for call in ((434, os.getpid(), 0), (435, 0, 0), (437, 0, 0, 0, 0)):  # pidfd_open, clone3, openat2\n"
    calls += "    libc.syscall(*call); print(os.strerror(ctypes.get_errno()))\n"
    calls += "print(libc.unshare(0x40000000), os.strerror(ctypes.get_errno()))\n"
    calls += "print([line for line in open('/proc/self/status') if line.startswith('CapEff')][0])\n"
    lines = _there(sys.executable, "-c", calls).stdout.split("\n")
    assert lines[:4] == ["Function not implemented"] * 3 + ["-1 Operation not permitted"]
    assert lines[4].split() == ["CapEff:", "00000000a80425fb"]  # docker's default set
