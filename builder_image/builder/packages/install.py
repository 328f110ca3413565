"""Packages that the app asks for, installed where the type check and componentize-py find them and nobody can write.

Installed once, before both, and only when there is something to install. What a package may be is decided before it is
downloaded (`resolver`); what came is checked again here, file by file, on its way out of the installer's sandbox.
"""

import contextlib
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.errors import BuildError
from builder.log import BuildLog
from builder.packages import accelerators, requirements
from builder.packages.resolver import Locked, Resolver
from builder.sandbox.run import Sandbox
from builder.settings import Limits
from builder.source.safe_paths import open_inside, walk
from builder.source.upload import App
from builder.toolchain import PYTHON_VERSION, Toolchain

_SDK_FOLDER: Final = "spin_sdk"
_WHERE: Final = "The app's packages"


@dataclass(frozen=True, slots=True)
class InstalledPackages:
    """Installed packages: ``environment`` is a folder like a virtual environment's, with them and the SDK in it."""

    environment: Path
    locked: tuple[Locked, ...]

    @property
    def folder(self) -> Path:
        """Their site-packages."""
        return _site_packages(self.environment)


def install(
    app: App,
    toolchain: Toolchain,
    sandbox: Callable[[], AbstractContextManager[Sandbox]],
    environment: Path,
    limits: Limits,
    log: BuildLog,
) -> InstalledPackages | None:
    """Install what ``app`` asks for; None when that is nothing.

    Parameters
    ----------
    sandbox
        Makes the step's sandbox: with a network, and knowing where the package index is.
    environment
        Folder to make.

    Raises
    ------
    BuildError
        Something cannot be installed: the text names it, where it was asked for, and why.
    """
    wanted = requirements.of_app(app, toolchain.versions[requirements.SDK])
    if not wanted:
        return None
    with log.step("packages", f"Install {', '.join(entry.requirement.name for entry in wanted)}"), sandbox() as box:
        resolver = Resolver(box, wanted, toolchain, log)
        locked = resolver.lock()
        _check_sizes(locked, limits)
        resolver.install(locked, box.folder / "target")
        packages = InstalledPackages(environment, tuple(locked))
        packages.folder.mkdir(parents=True)
        left_out = _copy(box.folder / "target", packages.folder, limits, native=[p for p in locked if not p.is_pure])
    _check_versions(packages)
    _check_native(packages, left_out, resolver, log)
    # componentize-py looks into one site-packages only: the SDK's own.
    shutil.rmtree(packages.folder / _SDK_FOLDER, ignore_errors=True)
    shutil.copytree(toolchain.site_packages / _SDK_FOLDER, packages.folder / _SDK_FOLDER)
    for package in locked:
        log.line(f"installed {package.name} {package.version}")
    return packages


def _site_packages(environment: Path) -> Path:
    return environment / "lib" / f"python{PYTHON_VERSION}" / "site-packages"


def _check_sizes(locked: list[Locked], limits: Limits) -> None:
    if len(locked) > limits.packages:
        raise BuildError(
            f"The app needs {len(locked)} packages, those that its packages need included, and {limits.packages} are "
            "allowed. Ask for fewer."
        )
    if sum(package.size or 0 for package in locked) > limits.packages_bytes:
        raise _too_large(limits)


def _copy(installed: Path, target: Path, limits: Limits, native: Sequence[Locked]) -> list[str]:
    """Copy what was installed, without native code; answers what was left out."""
    left = limits.packages_bytes
    left_out: list[str] = []
    for path, _ in walk(installed):
        if accelerators.is_native(path):
            left_out.append(path)
            if native:
                continue
            raise BuildError(
                f"{_WHERE}: '{path}' is native code, in a wheel that says it has none. A WebAssembly component runs "
                "pure Python only: choose another package."
            )
        descriptor = open_inside(installed, path, _WHERE)
        with os.fdopen(descriptor, "rb") as source:
            left -= os.fstat(descriptor).st_size
            if left < 0:
                raise _too_large(limits)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            with (target / path).open("xb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
    return left_out


def _check_native(packages: InstalledPackages, left_out: Sequence[str], resolver: Resolver, log: BuildLog) -> None:
    """Refuse a package that does not work without the native code that was left out of it."""
    missing = accelerators.missing_modules(packages.folder, left_out)
    for package in packages.locked:
        if package.is_pure:
            continue
        modules = _top_level_modules(packages.folder, package)
        own = {module for module in missing if module.partition(".")[0] in modules}
        if necessary := accelerators.necessary(packages.folder, modules, own):
            raise BuildError(resolver.needs_native_code(package, necessary.place))
        log.line(f"{package.name} {package.version} is used without its native code, which only makes it faster")


def _top_level_modules(folder: Path, package: Locked) -> set[str]:
    """Modules that a package brings, by the list of its files."""
    files = importlib.metadata.Distribution.at(_info(folder, package)).files or ()
    holding = (
        file for file in files if len(file.parts) > 1 or file.suffix == ".py" or accelerators.is_native(str(file))
    )
    names = {file.parts[0].partition(".")[0] for file in holding}
    return {name for name in names if name.isidentifier()}


def _info(folder: Path, package: Locked) -> Path:
    return next(
        path
        for path in folder.glob("*.dist-info")
        if canonicalize_name(path.name.removesuffix(".dist-info").rpartition("-")[0]) == package.name
    )


def _check_versions(packages: InstalledPackages) -> None:
    found = set()
    for distribution in importlib.metadata.distributions(path=[str(packages.folder)]):
        with contextlib.suppress(InvalidVersion, TypeError):
            found.add((canonicalize_name(distribution.metadata["Name"]), Version(distribution.version)))
    for package in packages.locked:
        if (package.name, Version(package.version)) not in found:
            raise BuildError(f"{_WHERE}: {package.file_name} does not hold {package.name} {package.version}.")


def _too_large(limits: Limits) -> BuildError:
    return BuildError(f"The app's packages are larger than {limits.packages_bytes:,} bytes together. Ask for fewer.")
