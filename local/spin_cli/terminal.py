"""What the user sees: lines, errors with their causes, and the error type that carries them.

Source: src/bin/spin.rs (format of the chain).
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
    """Write an operating system error in Rust's words: ``No such file or directory (os error 2)``."""
    return f"{error.strerror} (os error {error.errno})"


def quoted(text: str) -> str:
    """Write a string as Rust's ``{:?}`` shows it."""
    return json.dumps(text, ensure_ascii=False)


def show_error(error: SpinError) -> None:
    """Print an error and its causes on stderr."""
    message, *causes = error.chain()
    print(f"Error: {message}", file=sys.stderr)
    if causes:
        print("\nCaused by:", file=sys.stderr)
    for number, cause in enumerate(causes):
        print(f"{number:>4}: {cause}" if len(causes) > 1 else f"      {cause}", file=sys.stderr)


def say(message: str) -> None:
    """Print a line on stdout, at once: a build command's own output must come after it."""
    print(message, flush=True)
