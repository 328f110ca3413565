"""Lambda bundles, made without docker: uv pip installs wheels for the function's platform, our code goes beside them.

Dependencies are installed once per set of requirements and kept under build/; a bundle is dependencies plus code.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.tools import kubernetes_client

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build"
PYTHON_VERSION: Final = "3.13"
PLATFORM: Final = "aarch64-manylinux_2_28"
"""Lambda's python3.13 runtime is Amazon Linux 2023 (glibc 2.34); wheels for older glibc run there too."""

_KEPT: Final = 8
"""Things of one name that stay under build/."""
_BOTO_SERVICES: Final = (
    "dynamodb",
    "ecr",
    "eks",
    "events",
    "kms",
    "logs",
    "s3",
    "stepfunctions",
    "sts",
    "sso",
    "sso-oidc",
    "signin",
)
"""Service models that stay in botocore/data; the other 400 are 90 % of its size and of no use here."""


class BundleError(Exception):
    """uv could not install the dependencies; the text has its last lines."""


@dataclass(frozen=True)
class Bundle:
    """One zip of code and dependencies, shared by the functions that need the same dependencies."""

    name: str
    requirements: str
    """Path of the requirements file, relative to the repository."""

    def build(self) -> Path:
        """Folder with the finished bundle; made anew only when requirements or code changed."""
        return self._build(f"{self.name}-{self.digest()}", PLATFORM)

    def build_for_this_interpreter(self) -> Path:
        """The same bundle with compiled parts that load here: for tests and measurements."""
        return self._build(f"{self.name}-here-{self.digest()}", None)

    def handlers(self) -> list[str]:
        """Modules of ``functions/`` whose handler this bundle is for."""
        found = [
            path.stem
            for path in (ROOT / "functions" / "handlers").glob("*.py")
            if "\ndef handler(" in path.read_text("utf-8")
        ]
        return sorted(name for name in found if (name == "deploy") == (self.name == "deploy"))

    def _build(self, name: str, platform: str | None) -> Path:
        target = BUILD / "bundles" / name
        if not target.exists():
            dependencies = install(self.requirements, platform)
            scratch = scratch_for(target)
            # Links: the packages' files are the same in every bundle, and never written to.
            shutil.copytree(dependencies, scratch, symlinks=True, copy_function=os.link)
            add_code(scratch)
            let_everybody_read(scratch)
            put_in_place(scratch, target)
        return target

    def digest(self) -> str:
        """Identity of the bundle's content: requirements, pins, platform, code."""
        parts = [_requirements_digest(self.requirements, PLATFORM)]
        parts += [f"{path.relative_to(ROOT)} {_sha256(path)}" for path in code_files()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


API_BUNDLE: Final = Bundle("builds", "functions/requirements.txt")
DEPLOY_BUNDLE: Final = Bundle("deploy", "functions/requirements-deploy.txt")
ALL: Final = (API_BUNDLE, DEPLOY_BUNDLE)


def code_files() -> list[Path]:
    """Our own Lambda code, and the API's description that it serves."""
    code = (path for path in (ROOT / "functions").rglob("*.py") if "__pycache__" not in path.parts)
    return sorted([*code, ROOT / "docs" / "openapi.json"])


def add_code(folder: Path) -> None:
    """Put our code into a bundle, under the same package name as in the repository."""
    for path in code_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def install(requirements: str, platform: str | None) -> Path:
    """Install a requirements file for another platform, wheels only; reused while the pins stay.

    Without ``platform`` it is installed for the running interpreter: the same packages, loadable here.

    Raises
    ------
    BundleError
        A wheel is missing, or the package index did not answer.
    """
    digest = _requirements_digest(requirements, platform)
    target = BUILD / "dependencies" / digest
    if target.exists():
        return target
    scratch = scratch_for(target)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(scratch)]
    command += ["--python", sys.executable, "--only-binary", ":all:"]
    if platform is not None:
        command += ["--python-platform", platform, "--python-version", PYTHON_VERSION]
    command += ["--require-hashes", "--requirement", str(ROOT / requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise BundleError(f"uv could not install {requirements} for the Lambda bundle:\n{tail}")
    _leave_out_what_lambda_never_loads(scratch)
    let_everybody_read(scratch)
    put_in_place(scratch, target)
    return target


def let_everybody_read(folder: Path) -> None:
    """Give files and folders the modes that Lambda needs, whatever this process's umask: it runs as another user."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def scratch_for(target: Path) -> Path:
    """An unused path beside ``target``: several processes may make the same thing at once."""
    scratch = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    return scratch


def put_in_place(scratch: Path, target: Path) -> None:
    """Make ``scratch`` the ``target``; another process may have been faster, and made the same.

    What was made under the same name before goes, but for the newest few: going back to them is common.
    """
    try:
        scratch.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(scratch)
    name = target.name.rpartition("-")[0]
    made = (path for path in target.parent.iterdir() if path.name.rpartition("-")[0] == name and path.suffix != ".tmp")
    for path in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _leave_out_what_lambda_never_loads(folder: Path) -> None:
    (folder / ".lock").unlink(missing_ok=True)  # uv's own
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for model in (folder / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in _BOTO_SERVICES:
            shutil.rmtree(model)
    kubernetes_client.prune(folder)


def _requirements_digest(requirements: str, platform: str | None) -> str:
    files = [ROOT / requirements, Path(__file__), Path(kubernetes_client.__file__)]
    identity = "\n".join([platform or "", *(_sha256(path) for path in files)])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m infra.tools.bundles", description="Make the Lambda bundles.")
    parser.add_argument("--report", action="store_true", help="print size and import time of each")
    options = parser.parse_args(arguments)
    for bundle in ALL:
        bundle.build()
        bundle.build_for_this_interpreter()
    if options.report:
        from infra.tools.bundle_report import report  # it needs what is defined here

        print(report())  # noqa: T201  # the command's answer


if __name__ == "__main__":
    main(sys.argv[1:])
