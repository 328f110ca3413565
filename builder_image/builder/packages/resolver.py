"""Run uv in a sandbox: which packages fit together (a lock), their installation, and why it cannot be done.

uv rather than pip: it evaluates environment markers for WebAssembly instead of for this machine, refuses URLs in the
metadata of packages, and never builds a source distribution when told so, not even one named by URL. So nothing of a
package runs here, and the step can be let into the network.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.tags import cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from builder.errors import BuildError, PlatformError
from builder.log import BuildLog, printable
from builder.packages import package_index
from builder.packages.requirements import PROVIDED, Wanted
from builder.sandbox.run import Outcome, Sandbox
from builder.toolchain import PYTHON_VERSION, Toolchain

COMPONENT_PLATFORM: Final = "wasm32-pyodide2024"
"""The nearest to WASI that uv knows: pure wheels, ``platform_machine == 'wasm32'``. Wheels of that platform itself are
no use to a component and are refused below."""
_NATIVE_PLATFORM: Final = "linux"
"""Where nearly every package with native code has wheels: asked only to say why there is none for a component."""

_GLIBC: Final = (28, 4)
"""Newest and oldest glibc 2.x of the wheels that uv takes for that platform (x86-64)."""
_NATIVE_TAGS: Final = {
    tag: rank
    for rank, tag in enumerate(
        cpython_tags(
            tuple(map(int, PYTHON_VERSION.split("."))),
            platforms=[
                *(f"manylinux_2_{minor}_x86_64" for minor in range(_GLIBC[0], _GLIBC[1], -1)),
                *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
            ],
        )
    )
}
_URL: Final = re.compile(r"\b(?:https?|file|ftp|git\+\w+)://[^\s`'\"<>]+")
_SOURCE_ONLY: Final = re.compile(r"Wheels are required for `([^`]+)` because building")
_BY_URL: Final = re.compile(r"Package `([^`]+)` was included as a URL dependency")
_UNREACHABLE: Final = re.compile(r"Failed to fetch|error sending request|Failed to read `--find-links`", re.IGNORECASE)
_MOST_CHARACTERS: Final = 1500


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock: the wheel that is to be installed."""

    name: str
    version: str
    file_name: str
    sha256: str
    size: int | None

    @property
    def pin(self) -> str:
        """As a line of a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def is_pure(self) -> bool:
        """Whether its wheel says that it holds no native code."""
        try:
            tags = parse_wheel_filename(self.file_name)[3]
        except InvalidWheelFilename:
            return False
        return all(tag.abi == "none" and tag.platform == "any" for tag in tags)

    @property
    def is_installable(self) -> bool:
        """Whether its wheel is pure, or one whose Python part fits the component's Python."""
        return self.is_pure or _native_rank(self.file_name) is not None


class Resolver:
    """uv for the requirements of one app, in ``box``: a sandbox with a network, and a folder that nothing else uses."""

    def __init__(self, box: Sandbox, wanted: Sequence[Wanted], toolchain: Toolchain, log: BuildLog) -> None:
        self._box = box
        self._wanted = wanted
        self._toolchain = toolchain
        self._log = log
        self._pure: dict[str, Locked] = {}
        """What a component could use, by name, where that was not what was asked for."""
        (box.folder / "wanted.in").write_text("".join(f"{entry.requirement}\n" for entry in wanted), "utf-8")
        (box.folder / "provided.txt").write_text("".join(f"{name}\n" for name in sorted(PROVIDED)), "utf-8")
        box.hand_over()

    def lock(self) -> list[Locked]:
        """Choose a version of everything that is wanted and of what that needs in turn.

        Wheels with native code are chosen where no pure wheel fits, or only one of another major version: whether such
        a package works without its native code shows when it is there (`accelerators`).

        Raises
        ------
        BuildError
            There is no choice: the text names the package and says why.
        """
        locked, output = self._compile(COMPONENT_PLATFORM)
        if locked is not None and not _native(locked):
            if all(entry.is_pinned for entry in self._wanted):
                return locked
            self._pure = {package.name: package for package in locked}
        elsewhere = self._compile(_NATIVE_PLATFORM)[0] or []
        native = _native(elsewhere)
        if locked is None and not native:
            raise BuildError(self._reason(output))
        if locked is not None and not (native and self._is_outdated(elsewhere)):
            self._refuse(_native(locked))
            return locked
        if not all(package.is_installable for package in native):
            self._refuse(native)
        return elsewhere

    def _refuse(self, native: Sequence[Locked]) -> None:
        """Raise `BuildError` about the first of these packages; none is fine."""
        if native:
            raise BuildError(self.needs_native_code(native[0]))

    def _is_outdated(self, newest: Sequence[Locked]) -> bool:
        """Whether a pure wheel is of another major version than what is taken where native code runs."""
        outdated = False
        for package in newest:
            pure = self._pure.get(package.name)
            if pure is None or Version(pure.version) >= Version(package.version):
                continue
            if _major(pure.version) != _major(package.version):
                outdated = True
            else:
                self._log.line(f"{pure.name} {package.version} needs native code: {pure.version} is taken instead")
        return outdated

    def install(self, locked: Sequence[Locked], target: Path) -> None:
        """Download and unpack the wheels of a lock into ``target``, each checked against its digest."""
        pins = self._box.folder / "locked.txt"
        pins.write_text("".join(f"{package.pin}\n" for package in locked), "utf-8")
        arguments = ["--no-deps", "--require-hashes", "--link-mode", "copy", "--target", str(target), "-r", str(pins)]
        pure = all(package.is_pure for package in locked)
        outcome = self._uv("install", COMPONENT_PLATFORM if pure else _NATIVE_PLATFORM, arguments)
        if not outcome.succeeded:
            raise BuildError(self._unexplained(outcome.output.tail))

    def _compile(self, platform: str) -> tuple[list[Locked] | None, str]:
        """Return a lock, or None, and what uv said."""
        lock = self._box.folder / f"pylock.{platform}.toml"
        arguments = ["--generate-hashes", "--no-header", "--format", "pylock.toml", "-o", str(lock)]
        arguments += ["--excludes", str(self._box.folder / "provided.txt"), str(self._box.folder / "wanted.in")]
        outcome = self._uv("compile", platform, arguments)
        return (_read(lock) if outcome.succeeded else None), outcome.output.tail

    def _uv(self, command: str, platform: str, arguments: Sequence[str]) -> Outcome:
        """Run uv; its complaint is left to the caller, a limit that it met is not."""
        outcome = self._box.run(
            [
                *(self._toolchain.uv, "pip", command, "--quiet", "--no-progress", "--color", "never", "--no-config"),
                *("--no-build", "--no-python-downloads", "--python", self._toolchain.python),
                *("--python-version", PYTHON_VERSION, "--python-platform", platform),
                *("--cache-dir", str(self._box.folder / "cache")),
                *package_index.options(),
                *arguments,
            ],
            self._box.folder,
            self._box.limits.packages_seconds,
            on_line=lambda line: self._log.line(_without_urls(line), source="packages"),
        )
        if outcome.failure is not None:
            raise BuildError(f"The installation of the app's packages {outcome.failure}.")
        if not outcome.succeeded:
            self._log.line(f"uv pip {command} ended with status {outcome.exit_code}")
        return outcome

    def _reason(self, output: str) -> str:
        if _UNREACHABLE.search(output):
            raise PlatformError("The package index did not answer. Try again; if it persists, tell the platform team.")
        if by_url := _BY_URL.search(output):
            return (
                f"A package that the app asks for needs '{by_url[1]}' from a URL, which the builder does not install "
                "from. Choose another package, or another version of it."
            )
        if source_only := _SOURCE_ONLY.search(output):
            name = canonicalize_name(source_only[1])
            return (
                f"{self._where(name)}: {name} has no wheel that a component can use, in the versions asked for: it is "
                "published as source, and the builder runs no code of packages. Choose another package or version, or "
                "put its files into the .zip beside the app (pip install --target . <package>)."
            )
        return self._unexplained(output)

    def needs_native_code(self, package: Locked, place: str | None = None) -> str:
        """Say that a package cannot be used, and which version of what was asked for can.

        Parameters
        ----------
        place
            Where in the package its native code is imported.
        """
        because = f", which {place} imports" if place else ""
        text = (
            f"{self._where(package.name)}: {package.name} needs native code ({package.file_name} is built for one "
            f"kind of machine{because}), and a WebAssembly component runs pure Python only (wheels ending in "
            "-none-any.whl)."
        )
        older = [pure for pure in self._pure.values() if pure.name in {entry.name for entry in self._wanted}]
        if older:
            pins = ", ".join(f"{pure.name}=={pure.version}" for pure in older)
            return f"{text} The newest that a component can use: {pins}. Ask for exactly that, or for another package."
        return f"{text} Choose another package, or another version of it."

    def _where(self, name: str) -> str:
        direct = next((entry.where for entry in self._wanted if entry.name == name), None)
        return direct or f"{self._wanted[0].where.partition(',')[0]} (needed by a package in it)"

    def _unexplained(self, output: str) -> str:
        # "error: summary", "  cause: sentences", "hint: about uv itself".
        lines = [line.strip() for line in printable(output).splitlines()]
        ends = next((index for index, line in enumerate(lines) if line.startswith("hint:")), len(lines))
        words = " ".join(line.removeprefix("error:").removeprefix("cause:").strip() for line in lines[:ends] if line)
        text = _without_urls(words).replace(f"{self._box.folder}/", "")[:_MOST_CHARACTERS]
        return f"The app's packages cannot be installed: {text or 'the installer did not say why'}"


def _read(lock: Path) -> list[Locked]:
    """Read the packages of a pylock.toml (PEP 751); of each the pure wheel, where there is one."""
    packages: list[dict[str, Any]] = tomllib.loads(lock.read_text("utf-8")).get("packages", [])
    locked = []
    for package in packages:
        candidates = [
            Locked(
                name=canonicalize_name(package["name"]),
                version=package["version"],
                file_name=wheel.get("name") or re.split(r"[/\\]", wheel.get("url") or wheel["path"])[-1],
                sha256=wheel["hashes"]["sha256"],
                size=wheel.get("size"),
            )
            for wheel in package.get("wheels", [])
        ]
        if not candidates:
            raise BuildError(
                f"{package['name']} is published as source only, and the builder runs no code of packages."
            )
        locked.append(min(candidates, key=_preference))
    return locked


def _preference(candidate: Locked) -> int:
    if candidate.is_pure:
        return -1
    rank = _native_rank(candidate.file_name)
    return len(_NATIVE_TAGS) if rank is None else rank


def _native_rank(file_name: str) -> int | None:
    """Place of a wheel in the order in which installers prefer wheels; None for one that they would not take."""
    try:
        tags = parse_wheel_filename(file_name)[3]
    except InvalidWheelFilename:
        return None
    return min((_NATIVE_TAGS[tag] for tag in tags if tag in _NATIVE_TAGS), default=None)


def _native(packages: Sequence[Locked]) -> list[Locked]:
    return [package for package in packages if not package.is_pure]


def _major(version: str) -> tuple[int, ...]:
    """Return the part of a version that changes when its users must: two numbers as long as the first is 0."""
    release = Version(version).release
    return release[:1] if release[0] else release[:2]


def _without_urls(text: str) -> str:
    return _URL.sub("(the package index)", text)
