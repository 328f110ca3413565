"""What the user sees: errors with their causes, warnings, steps; and the error type that carries them.

Source: src/bin/spin.rs (chain format), crates/terminal/src/lib.rs (streams and colours).
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_RED, _YELLOW, _GREEN, _CYAN, _RESET = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[1;36m", "\x1b[0m"


class SpinError(Exception):
    """A failure to report, exit status 1. Its causes are the `SpinError` chain of ``__cause__``."""

    def chain(self) -> list[str]:
        """Messages, outermost first."""
        messages: list[str] = []
        error: BaseException | None = self
        while isinstance(error, SpinError):
            messages.append(str(error))
            error = error.__cause__
        return messages


@contextmanager
def context(message: str) -> Iterator[None]:
    """Say what was being done when a `SpinError` came up, as anyhow's ``.context()`` does."""
    try:
        yield
    except SpinError as error:
        raise SpinError(message) from error


def os_reason(error: OSError) -> str:
    """An operating system error in Rust's words: ``No such file or directory (os error 2)``."""
    return f"{error.strerror} (os error {error.errno})"


def quoted(text: str) -> str:
    """A string as Rust's ``{:?}`` shows it."""
    return json.dumps(text, ensure_ascii=False)


def show_error(error: SpinError) -> None:
    """Print an error and its causes on stderr."""
    message, *causes = error.chain()
    print(f"{_paint('Error', _RED, sys.stderr)}: {message}", file=sys.stderr)
    if causes:
        print("\nCaused by:", file=sys.stderr)
    for number, cause in enumerate(causes):
        print(f"{number:>4}: {cause}" if len(causes) > 1 else f"      {cause}", file=sys.stderr)


def warn(message: str) -> None:
    """Print a warning on stderr."""
    print(f"{_paint('Warning', _YELLOW, sys.stderr)}: {message}", file=sys.stderr, flush=True)


def info(highlight: str, message: str) -> None:
    """Print a notice on stderr."""
    print(f"{_paint(highlight, _CYAN, sys.stderr)} {message}", file=sys.stderr, flush=True)


def step(verb: str, message: str) -> None:
    """Print one step of the work on stdout, at once: a build command's own output must come after it."""
    print(f"{_paint(verb, _GREEN, sys.stdout)} {message}", flush=True)


def say(message: str) -> None:
    """Print a line on stdout, at once."""
    print(message, flush=True)


def _paint(text: str, colour: str, stream: TextIO) -> str:
    return f"{colour}{text}{_RESET}" if stream.isatty() else text
