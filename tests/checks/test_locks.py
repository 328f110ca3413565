"""The locks say what the pins say, agree with each other, and hold a hash for every file that may be installed."""

import re
import subprocess
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.tools.bundles import BundleError, install

ROOT = Path(__file__).resolve().parents[2]
LOCKED = dict(
    reversed(entry.split("="))
    for entry in re.findall(
        r"\S+pyproject\.toml:[\w-]+=\S+|pyproject\.toml:[\w-]+=\S+", (ROOT / "Makefile").read_text()
    )
)
"""Lock file to ``pyproject.toml:group``, as `make lock` makes them."""
EVERYTHING = "requirements-dev.txt"
WITH_PROJECTS = {EVERYTHING: ("local", "cli"), "local/requirements.txt": ("local",)}
"""Locks that hold what packages of ours ask for, too."""
APART = re.findall(r"^APART := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
"""Locks of environments of their own, whose packages want others of other versions."""
_ENTRY = re.compile(
    r"^(?P<requirement>[^#\s][^\\\n]*) \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+ +# via (?P<via>.*)$",
    re.MULTILINE,
)


@cache
def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Each package of a lock, and what asks for it."""
    text = (ROOT / lock).read_text("utf-8")
    found = [(Requirement(entry["requirement"]), entry["via"].split(", ")) for entry in _ENTRY.finditer(text)]
    assert len(found) == len(re.findall(r"^[^#\s]", text, re.MULTILINE)), f"{lock} has a line of another form"
    return found


def pins(file: str, group: str) -> dict[str, str]:
    """What a dependency group asks for by itself, by name."""
    values = tomllib.loads((ROOT / file).read_text("utf-8"))
    asked: list[str] = []
    pending = [group]
    while pending:
        for item in values["dependency-groups"][pending.pop()]:
            if isinstance(item, dict):
                pending.append(item["include-group"])
            else:
                asked.append(item)
    return {canonicalize_name(Requirement(text).name): str(Requirement(text).specifier) for text in asked}


def test_every_group_is_locked() -> None:
    groups = {
        f"{file}:{group}"
        for file in ("pyproject.toml", "local/pyproject.toml")
        for group in tomllib.loads((ROOT / file).read_text("utf-8"))["dependency-groups"]
    }
    assert set(LOCKED.values()) == groups
    assert len(LOCKED) == len(groups)


@pytest.mark.parametrize("lock", LOCKED)
def test_a_lock_holds_the_pins_of_its_group(lock: str) -> None:
    """After a change of a pin, and until `make lock`, it does not."""
    file, _, group = LOCKED[lock].partition(":")
    wanted = pins(file, group)
    for folder in WITH_PROJECTS.get(lock, ()):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
        own = [*project["dependencies"], *chain(*project.get("optional-dependencies", {}).values())]
        wanted |= {canonicalize_name(Requirement(text).name): str(Requirement(text).specifier) for text in own}
    asked = {
        canonicalize_name(requirement.name): str(requirement.specifier)
        for requirement, via in entries(lock)
        if any("pyproject.toml" in source for source in via)
    }
    assert asked == wanted


@pytest.mark.parametrize("lock", [lock for lock in LOCKED if lock not in APART])
def test_a_lock_agrees_with_the_one_of_everything(lock: str) -> None:
    everything = {requirement.name: requirement.specifier for requirement, _ in entries(EVERYTHING)}
    for requirement, _ in entries(lock):
        assert everything.get(requirement.name, requirement.specifier) == requirement.specifier, requirement.name


@pytest.mark.parametrize("lock", LOCKED)
def test_a_lock_names_no_index(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text("utf-8")


INSTALLATION = re.compile(r"\bpip\b.*\binstall\b|\bpip\b.*\n.*[\"']install[\"']")
OF_APPS_OR_WORDS = {
    "builder_image/builder/documents/sbom.py",
    "builder_image/builder/packages/requirements.py",
    "builder_image/builder/packages/resolver.py",  # what an app asks for: wheels that are locked by the build itself
    "conformance/wheel/machine.py",  # the wheel of `blue`, as its users install it
    "conformance/lane/build.py",  # packages of the apps that it builds; they run as WebAssembly
    "local/aws/bundles.py",
    "local/aws/seams/__init__.py",
}
"""Files that speak of ``pip install``, or install what apps ask for, and none of our packages."""


def installing() -> list[str]:
    """Files of image, set-up and tools that install packages."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    candidates = [
        name
        for name in listed
        if Path(name).suffix in {".py", ".sh", ".yml", ".yaml", ""}
        and "tests" not in Path(name).parts
        and not name.startswith(("docs/", "examples/"))
    ]
    found = [name for name in candidates if INSTALLATION.search(_code(ROOT / name))]
    return sorted(set(found) - OF_APPS_OR_WORDS)


def _code(path: Path) -> str:
    text = path.read_text("utf-8", errors="replace")
    return "" if path.name == "LICENSE" else re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def test_every_installation_is_known() -> None:
    assert installing() == [
        "Makefile",
        "builder_image/Dockerfile",
        "cli/src/blue_faas_cli/one_machine/carried.py",
        "conformance/lambda_python/__main__.py",
        "infra/tools/bundles.py",
        "local/cloud/prepare.py",
    ]


@pytest.mark.parametrize("file", installing())
def test_every_installation_asks_for_hashes(file: str) -> None:
    text = _code(ROOT / file)
    assert 0 < len(INSTALLATION.findall(text)) <= text.count("--require-hashes")


def test_a_bundle_takes_no_package_without_a_hash(tmp_path: Path) -> None:
    (tmp_path / "unhashed.txt").write_text("idna==3.20\n")
    with pytest.raises(BundleError, match="--require-hashes"):
        install(str(tmp_path / "unhashed.txt"), None)
