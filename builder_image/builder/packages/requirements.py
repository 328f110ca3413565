"""The packages that an app asks for: requirements.txt in a .zip, or the script block of a single .py (PEP 723).

A requirements.txt counts at the root of the .zip and in each folder that a component is built in (build.workdir). All
of them together are one installation that every component of the app sees. Only names with versions are taken:
everything else that pip would accept in the file runs code, leaves the package index, or chooses another one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.errors import BuildError
from builder.log import printable
from builder.source.text import decode, decode_python
from builder.source.toml_text import read_toml
from builder.source.upload import App
from builder.toolchain import PYTHON_VERSION

NAME_THE_PACKAGE: Final = (
    "Name the package that holds the module: in requirements.txt at the root of the .zip, or in a single .py's script "
    'block (`# /// script`, `# dependencies = ["name"]`, `# ///`, at its top).'
)
FILE_NAME: Final = "requirements.txt"
SDK: Final = "spin-sdk"
PROVIDED: Final = frozenset({SDK, "componentize-py", "mypy"})
"""What the builder has itself, in its own versions: every Spin template lists them in its requirements.txt."""

_MAX_BYTES: Final = 64 * 1024
_MOST: Final = 200
_BLOCK_START: Final = re.compile(r"# /// (?P<type>[a-zA-Z0-9-]+)")
_BLOCK_END: Final = "# ///"
_COMMENT: Final = re.compile(r"(?<!\S)#.*$")
_LONGEST: Final = 2000
"""Characters of one requirement: what reads it takes time that grows faster than its length."""
_LONGEST_SPECIFIER: Final = 200
_CREDENTIALS: Final = re.compile(r"//[^/@\s]+@")
_ARCHIVE: Final = re.compile(r"\.(?:whl|zip|tar|tgz|tar\.[a-z0-9]+)$", re.IGNORECASE)
_ADVICE: Final = (
    "Name packages of the index only (name==1.2.3); put what is not there into the .zip beside the app "
    "(pip install --target . <package>)."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package that the app asks for; ``where`` begins every sentence about it."""

    requirement: Requirement
    where: str

    @property
    def name(self) -> str:
        """Its name in the form in which names are compared."""
        return canonicalize_name(self.requirement.name)

    @property
    def is_pinned(self) -> bool:
        """Whether it asks for one version and no other."""
        return any(one.operator in {"==", "==="} and "*" not in one.version for one in self.requirement.specifier)


def of_app(app: App, sdk_version: str) -> list[Wanted]:
    """List what is to be installed for an app: nothing for most.

    Raises
    ------
    BuildError
        A line is no plain requirement (the line is named), or asks for another Spin SDK or Python than the builder's.
    """
    if app.single_file is not None:
        path, shown = app.single_file
        wanted = _of_script((app.folder / path).read_bytes(), shown)
    else:
        wanted = _of_files(app)
    if len(wanted) > _MOST:
        raise BuildError(f"The app asks for more than {_MOST} packages. List what it imports itself.")
    for entry in wanted:
        if entry.name == SDK:
            _check_sdk(entry, sdk_version)
    return [entry for entry in wanted if entry.name not in PROVIDED]


def parse(text: str, name: str) -> list[Wanted]:
    """Parse a requirements.txt.

    Raises
    ------
    BuildError
        A line is an option, a URL, a path or no requirement.
    """
    wanted = []
    for number, line in _logical_lines(text):
        content = _COMMENT.sub("", line).strip()
        if content:
            wanted.append(Wanted(_requirement(content, f"{name}, line {number}"), f"{name}, line {number}"))
    return wanted


def _of_files(app: App) -> list[Wanted]:
    built = [component.workdir for component in app.manifest.components if component.commands]
    names = [FILE_NAME if folder == "." else f"{folder}/{FILE_NAME}" for folder in dict.fromkeys([".", *built])]
    files = [name for name in names if (app.folder / name).is_file()]
    return [wanted for name in files for wanted in parse(_read(app.folder / name, name), name)]


def _read(path: Path, name: str) -> str:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise BuildError(f"{name} is larger than {_MAX_BYTES:,} bytes.")
    return decode(content, name)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with the number that each starts at; a backslash at the end continues one."""
    lines: list[tuple[int, str]] = []
    open_line = False
    for number, line in enumerate(text.splitlines(), start=1):
        if open_line:
            lines[-1] = (lines[-1][0], lines[-1][1] + line)
        else:
            lines.append((number, line))
        open_line = line.endswith("\\") and not line.lstrip().startswith("#")
        if open_line:
            lines[-1] = (lines[-1][0], lines[-1][1][:-1])
    return lines


def _requirement(content: str, where: str) -> Requirement:
    shown = _shown(content[:_LONGEST])
    if len(content) > _LONGEST:
        raise BuildError(f"{where}: '{shown[:80]}…' is longer than {_LONGEST:,} characters.")
    if content.startswith("-") or re.search(r"\s--?[a-z]", content):
        raise BuildError(f"{where}: '{shown}': options such as -r are not supported. {_ADVICE}")
    looks_like_path = content.startswith((".", "/", "~")) or "\\" in content or _ARCHIVE.search(content)
    if "://" in content or re.search(r"@\s*file:", content) or looks_like_path:
        raise BuildError(f"{where}: '{shown}' is a URL or a path, which the builder does not install from. {_ADVICE}")
    try:
        requirement = Requirement(content)
    except InvalidRequirement as error:
        reason = printable(str(error).splitlines()[0])
        raise BuildError(f"{where}: '{shown}' is not a requirement: {reason}.") from None
    except (RecursionError, ValueError):
        reason = "nested too deeply, or a number is too large"
        raise BuildError(f"{where}: '{shown}' is not a requirement: {reason}.") from None
    if requirement.url is not None:
        raise BuildError(f"{where}: '{shown}' is a URL or a path, which the builder does not install from. {_ADVICE}")
    return requirement


def _shown(content: str) -> str:
    # A URL may hold somebody's token.
    return _CREDENTIALS.sub("//***@", printable(content))[:200]


def _check_sdk(entry: Wanted, version: str) -> None:
    # An older pin of the same major version is what older templates wrote: their apps build with this one.
    major = Version(version).major
    specifier = entry.requirement.specifier
    if specifier.contains(version, prereleases=True):
        return
    for one in specifier:
        try:
            same_major = one.operator in {"==", "~=", "==="} and Version(one.version.rstrip(".*")).major == major
        except InvalidVersion:
            same_major = False
        if not same_major:
            raise BuildError(
                f"{entry.where}: '{entry.requirement}' is not the Spin SDK that the builder has ({version}), and "
                f"components of another major version do not run. Ask for {SDK}=={version}, or leave the line out."
            )


def _of_script(source: bytes, name: str) -> list[Wanted]:
    try:
        lines = decode_python(source).splitlines()
    except ValueError:
        return []  # the type check says what is wrong with such a file
    block = _script_block(lines, name)
    if block is None:
        return []
    number, text = block
    where = f"{name}, script block in line {number}"
    values = read_toml(text, where)
    _check_python(values.get("requires-python", ""), where)
    dependencies = values.get("dependencies", [])
    if not isinstance(dependencies, list) or not all(isinstance(entry, str) for entry in dependencies):
        raise BuildError(f"{where}: dependencies must be a list of strings.")
    return [Wanted(_requirement(entry.strip(), where), where) for entry in dependencies]


def _script_block(lines: list[str], name: str) -> tuple[int, str] | None:
    """Line number and TOML of the block of type ``script``."""
    blocks = [(number, content) for kind, number, content in _blocks(lines) if kind == "script"]
    if len(blocks) > 1:
        raise BuildError(f"{name}, line {blocks[1][0]}: a second script block. Keep one of them.")
    if not blocks:
        return None
    number, content = blocks[0]
    return number, "\n".join(line.removeprefix("#").removeprefix(" ") for line in content)


def _blocks(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Type, line number and lines of each block. In one pass: the file may be made to be slow to read."""
    at = 0
    while at < len(lines):
        start = _BLOCK_START.fullmatch(lines[at])
        end = at + 1
        while start is not None and end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
            end += 1
        # The last line of the comment that can end the block does.
        last = next((index for index in range(end - 1, at, -1) if lines[index] == _BLOCK_END), None)
        if start is not None and last is not None:
            yield start["type"], at + 1, lines[at + 1 : last]
        at = end


def _check_python(value: object, where: str) -> None:
    try:
        usable = isinstance(value, str) and len(value) <= _LONGEST_SPECIFIER
        specifier = SpecifierSet(str(value) if usable else "not a specifier")
    except InvalidSpecifier:
        raise BuildError(f"{where}: requires-python must be a version specifier, such as '>=3.11'.") from None
    # Any release of the component's minor version will do.
    if not any(specifier.contains(f"{PYTHON_VERSION}.{patch}", prereleases=True) for patch in (0, 99)):
        raise BuildError(
            f"{where}: requires-python is '{value}', but components run on Python {PYTHON_VERSION}. Change it if the "
            "app runs there."
        )
