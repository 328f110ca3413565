"""``python -m infra.tools.cdk_wheel``: the service's construct as a wheel, for CDK apps of others.

The wheel has one package, ``blue_faas``, so that it lives beside theirs. In it are the modules of ours that the
construct imports, as ``blue_faas.infra`` and ``blue_faas.functions``; cdk.json, whose settings are the defaults; and,
made beforehand, what is deployed beside the template (`infra.packed_assets`).
"""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.version import Version

from infra import packed_assets
from infra.tools.build_folder import ROOT
from infra.tools.bundles import ALL
from infra.tools.image_context import image_context
from infra.tools.imports import OURS, closure

PACKAGE: Final = "blue_faas"
DISTRIBUTION: Final = "blue-faas-cdk"
_ASSETS: Final = Path("infra/assets.py")
_NEEDED: Final = ("aws-cdk-lib", "constructs", "pydantic", "pyyaml")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every file in a bundle: the same content makes the same .zip."""
_INIT: Final = f'''"""Blue FaaS as a construct of the AWS CDK: a Python file in, a running function out."""

from {PACKAGE}.infra.construct import BlueFaas
from {PACKAGE}.infra.settings import Settings

__all__ = ["BlueFaas", "Settings"]
'''


class UnreadableImportError(Exception):
    """A module imports another in a way that cannot be moved into the package."""


def moved(source: str) -> str:
    """Return a module's source with its imports of our modules leading into the package.

    Nothing else changes: names of modules in texts, such as a Lambda function's handler, are not of the package.

    Raises
    ------
    UnreadableImportError
        ``import functions.x`` binds the name ``functions``, which the package does not have.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            ours = [alias.name for alias in node.names if alias.name.partition(".")[0] in OURS]
            if ours:
                raise UnreadableImportError(f"line {node.lineno}: write `from … import …` for {', '.join(ours)}")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
            line = lines[node.lineno - 1].encode()  # ast counts bytes
            before, after = line[: node.col_offset], line[node.col_offset :]
            lines[node.lineno - 1] = (before + after.replace(b"from ", f"from {PACKAGE}.".encode(), 1)).decode()
    return "".join(lines)


def requirements() -> list[str]:
    """Return what the package needs: from what it was tested with, below the next major version."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    pinned = {each.name: each for each in map(Requirement, groups["cdk"])}
    return [_range(pinned[name]) for name in _NEEDED]


def _range(pin: Requirement) -> str:
    (exact,) = pin.specifier
    version = Version(exact.version)
    return f"{pin.name}>={version},<{version.major + 1}"


def stage(folder: Path) -> None:
    """Write everything that the wheel is built from into an empty folder."""
    package = folder / PACKAGE
    written = _write_modules(package)
    (package / "__init__.py").write_text(_INIT, "utf-8")
    (package / "py.typed").touch()
    shutil.copyfile(ROOT / "cdk.json", package / "cdk.json")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    _pack_assets(package / packed_assets.FOLDER.name)
    packages = sorted({".".join(path.relative_to(folder).parent.parts) for path in written} | {PACKAGE})
    (folder / "pyproject.toml").write_text(_project(packages), "utf-8")


def build(target: Path) -> Path:
    """Build the wheel into a folder; returns its path."""
    with tempfile.TemporaryDirectory() as scratch:
        stage(Path(scratch))
        uv = Path(sys.executable).with_name("uv")
        options = ["--quiet", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable]
        subprocess.run([uv, "build", *options, "--out-dir", str(target), scratch], check=True)
    (wheel,) = target.glob(f"{DISTRIBUTION.replace('-', '_')}-*.whl")
    return wheel


def _write_modules(package: Path) -> list[Path]:
    """Write the construct's modules, and all that these import; what makes assets is not among them."""
    packed = Path(packed_assets.__file__)
    modules, _ = closure(ROOT / "infra" / "construct.py", packed, without=[ROOT / _ASSETS])
    written = []
    for path in modules:
        name = _ASSETS if path == packed else path.relative_to(ROOT)
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(moved(path.read_text("utf-8")), "utf-8")
        written.append(target)
    return written


def _pack_assets(folder: Path) -> None:
    context = image_context()
    shutil.copytree(context, folder / packed_assets.IMAGE / context.name)
    index: dict[str, tuple[str, str]] = {}
    for bundle in ALL:
        name = f"{bundle.name}.zip"
        _zip(bundle.build(), folder / name)
        index |= {handler: (name, bundle.digest()) for handler in bundle.handlers}
    (folder / packed_assets.INDEX).write_text(json.dumps(index, indent=1), "utf-8")


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(info, path.read_bytes())


def _project(packages: Iterable[str]) -> str:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    fields: dict[str, Any] = {
        "name": DISTRIBUTION,
        "version": ours["version"],
        "description": "Blue FaaS as a construct of the AWS CDK.",
        "requires-python": ours["requires-python"],
        "license": ours["license"],
        "license-files": ours["license-files"],
        "dependencies": requirements(),
    }
    # JSON's texts and lists are TOML's.
    project = "\n".join(f"{name} = {json.dumps(value)}" for name, value in fields.items())
    return f"""[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
{project}

[tool.setuptools]
packages = {json.dumps(list(packages))}
include-package-data = false

[tool.setuptools.package-data]
{PACKAGE} = ["cdk.json", "py.typed", "{packed_assets.FOLDER.name}/**/*"]
"""


def main() -> None:
    """Build the wheel into dist/."""
    sys.stdout.write(f"{build(ROOT / 'dist').relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
