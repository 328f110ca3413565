"""Find the Python traceback in a tool's output, and say where in the app it leads.

componentize-py imports the app inside WebAssembly, where each folder of modules has a number: ``/0/app.py``. It prints
the traceback in the text of an exception of its own, in front of a backtrace of WebAssembly frames.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.source.upload import App

_START: Final = "Traceback (most recent call last):"
_WRAPPER: Final = "AssertionError:"
"""The tool's own exception. A SyntaxError of the app follows it without the first line of a traceback."""
_FRAME: Final = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>[0-9]+)(?:, in .+)?$')
_RAISED: Final = re.compile(r"^(?P<kind>[A-Za-z_][\w.]*)(?:: (?P<text>.*))?$")
_GUEST_FOLDER: Final = re.compile(r"^/[0-9]+/")
_MOST_LINES: Final = 2000
_MOST_FRAMES: Final = 200


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback."""

    path: str
    """Of the app: as the uploader knows the file. Else below its folder of modules: ``urllib3/response.py``."""
    line: int
    source: str
    in_app: bool

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that nobody caught, with the frames that matter to the uploader, outermost first."""

    kind: str
    """Name of its class: ``ModuleNotFoundError``."""
    text: str
    frames: tuple[Frame, ...]

    @property
    def said(self) -> str:
        """The exception as Python prints it."""
        return f"{self.kind}: {self.text}" if self.text else self.kind


def find(output: str, app: App) -> Raised | None:
    """Read the last traceback in ``output`` that leads through modules of the app or of its packages.

    None where there is no such traceback: the tool itself may have one, which is nothing to an uploader.
    """
    lines = output.replace(f"{_WRAPPER} ", f"{_WRAPPER}\n").splitlines()[-_MOST_LINES:]
    starts = [index for index, line in enumerate(lines) if line in (_START, _WRAPPER)]
    for start in reversed(starts):
        raised = _read(lines[start + 1 :], app)
        if raised is not None and raised.frames:
            return raised
    return None


def _read(lines: list[str], app: App) -> Raised | None:
    frames: list[Frame] = []
    pending: tuple[str, int] | None = None
    for line in lines:
        if match := _FRAME.match(line):
            pending = match["path"], int(match["line"])
            frames += _frame(pending, "", app)
        elif line.startswith("    "):
            if pending is not None and frames and line.strip(" ^~"):
                frames[-1:] = _frame(pending, line.strip(), app) or frames[-1:]
            pending = None
        elif line.startswith("  "):
            continue  # "[Previous line repeated 990 more times]"
        elif match := _RAISED.match(line):
            return Raised(match["kind"].rpartition(".")[2], match["text"] or "", tuple(frames[-_MOST_FRAMES:]))
        else:
            return None
    return None


def _frame(place: tuple[str, int], source: str, app: App) -> list[Frame]:
    path, line = place
    if not _GUEST_FOLDER.match(path):
        return []  # of the standard library, or of the tool
    inside = _GUEST_FOLDER.sub("", path)
    if ".." in inside.split("/"):
        return []
    own = _own(inside, app)
    if own is None and inside.startswith("spin_sdk/"):
        return []
    return [Frame(own or inside, line, source, own is not None)]


def _own(inside: str, app: App) -> str | None:
    """Return the path of a module's file in the app; None for a file of a package."""
    for folder in _module_folders(app):
        if (app.folder / folder / inside).is_file():
            path = str(Path(folder) / inside)
            return app.shown_as.get(path, path)
    return None


def _module_folders(app: App) -> Iterator[str]:
    # Where a build command lets componentize-py look: its own folder, or one that it names with -p.
    for component in app.manifest.components:
        yield component.workdir
        for command in component.commands:
            for folder in re.findall(r"(?:-p|--python-path)[ =]([^\s;&|]+)", command):
                yield str(Path(component.workdir) / folder)
