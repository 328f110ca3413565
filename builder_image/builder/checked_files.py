"""Which files are type-checked, and under which names: the app's own Python, not what it ships of others'.

The check runs on a copy of just these files. So the build, running at the same time, cannot change what is checked, and
files that would break the check itself (a ``types.py`` beside the app) can stand under another name in it.
"""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from builder.manifest import Component
from builder.safe_paths import walk
from builder.source import App

_FOREIGN_FOLDERS: Final = frozenset(
    {"site-packages", "dist-packages", "node_modules", "vendor", "vendored", "_vendor", "third_party", "target", "venv"}
)
_TEST_FOLDERS: Final = frozenset({"test", "tests"})
_UNSHADOWABLE: Final = frozenset(
    {
        # mypy refuses to run at all beside a module of these names (mypy 2.4.1, build.py, CORE_BUILTIN_MODULES).
        *("builtins", "typing", "types", "typing_extensions", "mypy_extensions", "_typeshed", "_collections_abc"),
        *("collections", "sys", "abc"),
        # Every app imports this one, and means the SDK.
        "spin_sdk",
    }
)


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are one program to Python: one component's, or several components' that share a folder.

    ``root`` is relative to the app's folder, the rest to ``root``.
    """

    root: str
    search: tuple[str, ...]
    files: tuple[str, ...]


def groups(app: App) -> list[Group]:
    """The app's own Python files, grouped by the folder that their component is built in."""
    roots: dict[str, list[str]] = {}
    for component in app.manifest.components:
        if component.commands:
            search = roots.setdefault(component.workdir, [])
            search += [path for path in python_paths(component) if path not in search]
    own = [path for path, entry in walk(app.folder) if path.endswith(".py") and entry.is_file(follow_symlinks=False)]
    own = [path for path in own if not is_foreign(app.folder, path) and not _is_test(path)]
    found = []
    for root, search in roots.items():
        # The folder of another component, inside this one, is that component's.
        others = [other for other in roots if other != root and _is_below(other, root)]
        files = [path for path in own if _is_below(path, root) and not any(_is_below(path, other) for other in others)]
        found.append(Group(root, tuple(search), tuple(_relative(path, root) for path in files)))
    return [group for group in found if group.files]


def copy(app: App, group: Group, target: Path) -> dict[str, str]:
    """Copy a group's files, and what others shipped beside them, to ``target``.

    Returns
    -------
    dict[str, str]
        Path in ``target`` of each file to check, to the name that the uploader knows it by.
    """
    shown: dict[str, str] = {}
    root = app.folder / group.root
    for path, entry in walk(root):
        if not entry.name.endswith((".py", ".pyi", "py.typed")) or not entry.is_file(follow_symlinks=False):
            continue
        if entry.name.startswith("__init__.py") and not all(part.isidentifier() for part in path.split("/")[:-1]):
            continue  # a package that cannot be imported by its name: mypy ends at once
        name = _unshadowed(path)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.path, target / name)
        if path in group.files:
            whole = path if group.root == "." else f"{group.root}/{path}"
            shown[name] = app.shown_as.get(whole, whole)
    return shown


def python_paths(component: Component) -> list[str]:
    """Folders that componentize-py looks for the app's modules in, relative to the component's workdir.

    By its ``-p``/``--python-path`` options, ``.`` without them; those outside the workdir are left out.
    """
    found: list[str] = []
    for command in component.commands:
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        for option, value in zip(words, [*words[1:], ""], strict=True):
            if option in {"-p", "--python-path"}:
                found.append(value)
            elif option.startswith("--python-path="):
                found.append(option.partition("=")[2])
    inner = [str(PurePosixPath(path)) for path in found if path and not PurePosixPath(path).is_absolute()]
    return [".", *dict.fromkeys(path for path in inner if path != "." and ".." not in path.split("/"))]


def is_foreign(folder: Path, path: str) -> bool:
    """Whether a file belongs to a package that the app ships but did not write."""
    for parent in PurePosixPath(path).parents:
        if parent.name in _FOREIGN_FOLDERS or (parent.name.startswith(".") and parent.name):
            return True
        above = folder / parent
        # A virtual environment, or where `pip install --target` put packages.
        if (above / "pyvenv.cfg").exists() or (str(parent) != "." and next(above.glob("*.dist-info"), None)):
            return True
    return False


def _is_test(path: str) -> bool:
    # Tests import what the app does not ship. What the app imports is checked by being imported.
    *folders, name = path.split("/")
    stem = name.removesuffix(".py")
    return (
        bool(_TEST_FOLDERS.intersection(folders))
        or stem == "conftest"
        or stem.startswith("test_")
        or stem.endswith("_test")
    )


def _unshadowed(path: str) -> str:
    first, slash, rest = path.partition("/")
    stem, dot, suffix = first.partition(".")
    return f"shadowed_{stem}{dot}{suffix}{slash}{rest}" if stem in _UNSHADOWABLE else path


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _relative(path: str, folder: str) -> str:
    return path if folder == "." else path.removeprefix(f"{folder}/")
