"""Run tests/unit on the Lambda runtime's Python, from Debian's packages: `python -m conformance.lambda_python`.

The builder's own unit tests stay out: the image has another Python.
"""

import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from conformance import debian
from conformance.report import NOT_RUN, record
from infra.lambda_function import RUNTIME
from local.cloud.places import ROOT

_SUITES: Final = {"python3.13": "trixie"}
"""Runtime to the Debian release whose Python it is."""
_PINS: Final = "requirements-dev.txt"
_REPOSITORY: Final = "/repository"
_ENVIRONMENT: Final = "/opt/environment"
_TEMPORARY: Final = "/tmp"  # noqa: S108 - of a system of its own
_TESTS: Final = ("tests/unit", "--ignore=tests/unit/builder", "-p", "no:cacheprovider")
_SUMMARY: Final = re.compile(r"^(?:=+ )?((?:\d+ \w+(?:, )?)+) in ", re.MULTILINE)


def main() -> int:
    """Run the part; returns its exit status."""
    if reason := debian.missing("debootstrap", "chroot", "unshare"):
        print(f"Not run: {reason}")
        return NOT_RUN
    if RUNTIME.name not in _SUITES:
        print(f"Not run: no Debian release is known that has {RUNTIME.name}")
        return NOT_RUN
    folder = debian.system(_SUITES[RUNTIME.name], [RUNTIME.name, f"{RUNTIME.name}-venv"])
    _install(folder, RUNTIME.name)
    python = f"{_ENVIRONMENT}/bin/python"
    version = _inside(folder, [python, "--version"], check=True).strip()
    output = _inside(folder, [python, "-m", "pytest", *_TESTS])
    print(output)
    summary = _SUMMARY.search(output)
    result = summary[1] if summary else "did not run"
    record("lambda_python", {"python": f"{version}, {debian.release(folder)}", "tests/unit": result})
    return int("passed" not in result or "failed" in result or "error" in result)


def _install(folder: Path, python: str) -> None:
    """Install what the tests need, pinned, into a virtual environment of that Python; again when a pin changed."""
    wanted = hashlib.sha256((ROOT / _PINS).read_bytes()).hexdigest()
    mark = folder / "opt" / "installed"
    if mark.exists() and mark.read_text() == wanted:
        return
    _inside(folder, [python, "-m", "venv", "--clear", _ENVIRONMENT], check=True)
    pip = [f"{_ENVIRONMENT}/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    _inside(folder, [*pip, "--require-hashes", "-r", _PINS], check=True)
    mark.write_text(wanted)


def _inside(folder: Path, command: list[str], *, check: bool = False) -> str:
    """Output of a command in the system, in the repository, which it can read only.

    Raises
    ------
    subprocess.CalledProcessError
        With ``check``: it failed.
    """
    (folder / _REPOSITORY.lstrip("/")).mkdir(exist_ok=True)
    root, repository, source = (shlex.quote(path) for path in (str(folder), f"{folder}{_REPOSITORY}", str(ROOT)))
    system_folders = (
        f"mount --rbind /dev {root}/dev && mount -t proc proc {root}/proc && mount -t tmpfs none {root}{_TEMPORARY}"
    )
    script = (
        f"mount --bind {source} {repository} && mount -o remount,bind,ro {repository}"
        f" && {system_folders}"
        f" && cd {repository} && exec chroot {root} env --chdir={_REPOSITORY} {shlex.join(command)}"
    )
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    # Hypothesis keeps what it found beside the tests otherwise.
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{_TEMPORARY}/hypothesis"
    run = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and run.returncode != 0:
        print(run.stdout)
        run.check_returncode()
    return run.stdout


if __name__ == "__main__":
    sys.exit(main())
