"""Lambda bundles, built without docker: ``uv pip`` installs wheels for the function's platform beside our code.

Dependencies are installed once for each set of requirements and kept under build/. A bundle is dependencies and code.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.tools import kubernetes_client, on_demand, page
from infra.tools.build_folder import BUILD, ROOT, put_in_place, scratch_for

PYTHON_VERSION: Final = "3.13"
PLATFORM: Final = "aarch64-manylinux_2_28"
"""Lambda's python3.13 runtime is Amazon Linux 2023 (glibc 2.34); wheels for older glibc run there too."""

_BOTO_SERVICES: Final = (
    "cloudwatch",
    "dynamodb",
    "ecr",
    "eks",
    "events",
    "kms",
    "lambda",
    "logs",
    "s3",
    "stepfunctions",
    "sts",
    "sso",
    "sso-oidc",
    "signin",
)
"""Service models that are kept in botocore/data. The other 400 are 90 % of its size and are not used."""


class BundleError(Exception):
    """uv could not install the dependencies; the message has the last lines of its output."""


@dataclass(frozen=True)
class Bundle:
    """A folder of code and dependencies, shared by the functions that need the same dependencies."""

    name: str
    requirements: str
    """Path of the requirements file, relative to the repository."""
    handlers: tuple[str, ...]
    """Modules of ``functions/handlers/`` that use this bundle."""

    def build(self) -> Path:
        """Return the folder of the bundle; it is built again only if requirements or code have changed."""
        return self._build(f"{self.name}-{self.digest()}", PLATFORM)

    def build_for_this_interpreter(self) -> Path:
        """Return the same bundle with compiled modules for this interpreter, for tests and measurements."""
        return self._build(f"{self.name}-here-{self.digest()}", None)

    def _build(self, name: str, platform: str | None) -> Path:
        target = BUILD / "bundles" / name
        if not target.exists():
            dependencies = install(self.requirements, platform)
            scratch = scratch_for(target)
            # Hard links: the packages' files are the same in each bundle, and nothing writes to them.
            shutil.copytree(dependencies, scratch, symlinks=True, copy_function=os.link)
            add_code(scratch)
            make_readable(scratch)
            put_in_place(scratch, target)
        return target

    def digest(self) -> str:
        """Return the identity of the content: requirements, pins, platform, code."""
        parts = [_requirements_digest(self.requirements, PLATFORM)]
        parts += [f"{path.relative_to(ROOT)} {_sha256(path)}" for path in code_files()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


API_BUNDLE: Final = Bundle(
    "builds",
    "functions/requirements.txt",
    ("builds", "close_task", "health", "ingest", "reconcile", "record_result", "sign_image", "wait_for_slot"),
)
DEPLOY_BUNDLE: Final = Bundle("deploy", "functions/requirements-deploy.txt", ("deploy",))
ALL: Final = (API_BUNDLE, DEPLOY_BUNDLE)


def code_files() -> list[Path]:
    """Return the files of our Lambda code, and the OpenAPI document and the page that it serves."""
    code = (path for path in (ROOT / "functions").rglob("*.py") if "__pycache__" not in path.parts)
    return sorted([*code, ROOT / "docs" / "openapi.json", *page.files()])


def add_code(folder: Path) -> None:
    """Copy our code into a bundle, under the same package name as in the repository."""
    for path in code_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def install(requirements: str, platform: str | None) -> Path:
    """Install a requirements file for a platform from wheels only. The folder is reused while the pins are the same.

    Without ``platform``, the same packages are installed for the running interpreter.

    Raises
    ------
    BundleError
        A wheel is missing, or the package index did not respond.
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
    _prune(scratch)
    make_readable(scratch)
    put_in_place(scratch, target)
    return target


def make_readable(folder: Path) -> None:
    """Make files and folders readable to all, whatever the umask: Lambda runs as another user."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def _prune(folder: Path) -> None:
    """Remove what Lambda never loads, and let it load the rest no earlier than it is used."""
    (folder / ".lock").unlink(missing_ok=True)  # of uv
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for model in (folder / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in _BOTO_SERVICES:
            shutil.rmtree(model)
    kubernetes_client.prune(folder)
    on_demand.rewrite(folder)


def _requirements_digest(requirements: str, platform: str | None) -> str:
    files = [ROOT / requirements, Path(__file__), *map(Path, (kubernetes_client.__file__, on_demand.__file__))]
    identity = "\n".join([platform or "", *(_sha256(path) for path in files)])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Build all bundles, for Lambda and for this machine."""
    for bundle in ALL:
        bundle.build()
        bundle.build_for_this_interpreter()


if __name__ == "__main__":
    main()
