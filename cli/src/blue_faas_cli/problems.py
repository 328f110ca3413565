"""Exit codes, and the errors that end a command with one of them."""

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    SOURCE = 1
    """The source does not build, or the app does not start."""
    USAGE = 2
    """The command line or a configuration file is wrong."""
    REFUSED = 3
    """The service refused the request: no permission, not found, or not possible."""
    NO_ANSWER = 4
    """The service or its cluster does not respond."""
    TIMEOUT = 124
    """The time given by --timeout is over; what was started goes on."""
    INTERRUPTED = 130
    """Ctrl-C."""


class BlueError(Exception):
    """The end of a command, with a text for the person who ran it."""

    def __init__(self, text: str, exit_code: Exit, answer: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.answer = answer if answer is not None else {"detail": text}
        """The JSON document for ``-o json``: the API's answer where there is one."""


def usage(text: str) -> BlueError:
    """Return the error for a wrong option or configuration file."""
    return BlueError(text, Exit.USAGE)
