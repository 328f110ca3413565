"""Which Python module a component begins with, and where its imports are looked for: what its build command says."""

import itertools
import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from builder.source.manifest import Component

_TOOL: Final = frozenset({"componentize-py", "componentize_py"})
_WITH_VALUE: Final = frozenset(
    {
        *("-d", "--wit-path", "-w", "--world", "--features", "--import-interface-name", "--export-interface-name"),
        *("--world-module", "-p", "--python-path", "-m", "--module-worlds", "-o", "--output"),
    }
)
"""Options of componentize-py 0.17.2 that take a value."""
_SHELL_OPERATORS: Final = frozenset(";&|()<>")
"""Characters of the words that end a command."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A module, by its dotted name, or None when no command says it; ``search`` is relative to the app's folder."""

    module: str | None
    search: tuple[str, ...]
    is_http: bool


def of_component(component: Component) -> list[EntryPoint]:
    """List what the component's build commands make a component from: mostly one module."""
    found = [entry for command in component.commands for entry in _of_command(command, component.workdir)]
    return found or [EntryPoint(None, (component.workdir,), is_http=False)]


def _of_command(command: str, folder: str) -> Iterator[EntryPoint]:
    words = _words(command)
    for at, word in enumerate(words):
        if word == "cd" and at + 1 < len(words):
            folder = posixpath.join(folder, words[at + 1])
        elif PurePosixPath(word).name in _TOOL:
            yield from _of_call(words[at + 1 :], folder)
        elif " " in word and word != command and any(tool in word for tool in _TOOL):
            yield from _of_command(word, folder)  # sh -c "..."


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("\n", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        return []


def _of_call(words: list[str], folder: str) -> Iterator[EntryPoint]:
    """Read the arguments of one call, as far as the next command of the shell."""
    options: dict[str, list[str]] = {}
    arguments: list[str] = []
    rest = itertools.takewhile(lambda word: not set(word) <= _SHELL_OPERATORS, words)
    for word in rest:
        option, value = _option(word)
        if option is not None:
            options.setdefault(option, []).append(next(rest, "") if value is None else value)
        elif not word.startswith("-"):
            arguments.append(word)
    if arguments[:1] == ["componentize"] and len(arguments) > 1:
        worlds = options.get("-w", []) + options.get("--world", [])
        paths = options.get("-p", []) + options.get("--python-path", [])
        search = [_inside(posixpath.join(folder, path)) for path in paths or ["."]]
        kept = tuple(dict.fromkeys(path for path in search if path is not None))
        yield EntryPoint(arguments[1], kept, any("http" in world for world in worlds))


def _option(word: str) -> tuple[str | None, str | None]:
    """Split a word into an option of componentize-py and its value, if any: ``-p=x``, ``-px``, ``--option=x``."""
    name, equals, value = word.partition("=")
    if word in _WITH_VALUE:
        return word, None
    if equals and name in _WITH_VALUE:
        return name, value
    if word[:2] in _WITH_VALUE and not word.startswith("--"):
        return word[:2], word[2:].removeprefix("=")
    return None, None


def _inside(path: str) -> str | None:
    normal = posixpath.normpath(path)
    return None if normal.startswith(("/", "../")) or normal == ".." else normal
