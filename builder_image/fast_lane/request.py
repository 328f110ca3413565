"""What a command line asks of componentize-py 0.17.2, as far as the lane does it.

Source: componentize-py v0.17.2, src/command.rs (clap: options of the program stand before the command).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WORLD: Final = "spin-http"
_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class DeclinedError(Exception):
    """componentize-py itself has to do it; the text says why, as in "this build ..."."""


@dataclass(frozen=True, slots=True)
class Request:
    """One component to make."""

    module: str
    python_path: tuple[str, ...]
    output: Path
    quiet: bool


class _Words:
    """The words of a command line, taken from the front."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def __bool__(self) -> bool:
        return bool(self._words)

    def take(self) -> str:
        return self._words.pop(0)

    def value_of(self, word: str, short: str, long: str) -> str | None:
        """Return the value if ``word`` is this option: ``-o X``, ``-oX``, ``-o=X``, ``--option X``, ``--option=X``."""
        if word in (short, long):
            if not self._words or self._words[0].startswith("-"):
                raise DeclinedError(f"has no value for {word}")
            return self.take()
        if word.startswith(f"{long}="):
            return word.removeprefix(f"{long}=")
        if word.startswith(short) and not word.startswith("--"):
            return word.removeprefix(short).removeprefix("=")
        return None


def read(arguments: Sequence[str]) -> Request:
    """Read a command line.

    Raises
    ------
    DeclinedError
        It is not one for the lane: another command or world, an option that is not known here, or a mistake.
    """
    words = _Words(arguments)
    quiet = _read_program_options(words)
    modules: list[str] = []
    outputs: list[str] = []
    python_path: list[str] = []
    while words:
        word = words.take()
        if not word.startswith("-"):
            modules.append(word)
        elif (value := words.value_of(word, "-p", "--python-path")) is not None:
            python_path.append(value)
        elif (value := words.value_of(word, "-o", "--output")) is not None:
            outputs.append(value)
        else:
            raise DeclinedError(f"has the option {word}")
    module = _only(modules, "module")
    output = _only(outputs, "output")
    if module is None or _MODULE.fullmatch(module) is None or module == WORLD.replace("-", "_"):
        raise DeclinedError("names no module")
    return Request(module, tuple(python_path) or (".",), Path(output or "index.wasm"), quiet)


def _only(values: Sequence[str], what: str) -> str | None:
    if len(values) > 1:
        raise DeclinedError(f"names more than one {what}")
    return values[0] if values else None


def _read_program_options(words: _Words) -> bool:
    """Whether it shall be quiet."""
    quiet, world = False, None
    for word in _before_command(words):
        if word in ("-q", "--quiet") and not quiet:
            quiet = True
        elif world is None and (value := words.value_of(word, "-w", "--world")) is not None:
            world = value
        else:
            raise DeclinedError(f"has the option {word}" if word.startswith("-") else f"runs the command {word}")
    if world != WORLD:
        raise DeclinedError(f"is for the world {world}" if world else "names no world")
    return quiet


def _before_command(words: _Words) -> Iterator[str]:
    while words:
        word = words.take()
        if word == "componentize":
            return
        yield word
    raise DeclinedError("runs no command")
