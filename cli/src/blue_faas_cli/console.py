"""What a command writes: results on stdout, everything that is for people on stderr."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

Tell = Callable[[str, bool], None]
"""Takes what a command waits for, and whether a log should have it."""


class Output:
    """Stdout and stderr of one command."""

    def __init__(self, *, as_json: bool, for_program: bool = False) -> None:
        self.as_json = as_json
        self._for_program = for_program
        self._console: Console | None = None

    @property
    def console(self) -> "Console":
        """The console on stderr: with colours only on a terminal, and not with NO_COLOR or for a program."""
        if self._console is None:
            from rich.console import Console

            terminal = False if self._for_program else None
            self._console = Console(stderr=True, highlight=False, soft_wrap=True, force_terminal=terminal)
        return self._console

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def say(self, text: str, style: str | None = None) -> None:
        """Write a line for people."""
        self.console.print(shown(text), style=style, markup=False)

    def dimmed(self, text: str, _line: "dict[str, Any]") -> None:
        """Write a line of a log beside something else."""
        self.say(text, style="dim")

    def log_line(self, text: str, line: "dict[str, Any]") -> None:
        """Write a line of a log that was asked for: its text, or for ``-o json`` a document on one line."""
        if self.as_json:
            sys.stdout.write(json.dumps(line, ensure_ascii=not _is_utf8()) + "\n")
            sys.stdout.flush()
        self.result(text)

    def error(self, text: str) -> None:
        """Write the reason why the command fails."""
        from rich.text import Text

        self.console.print(Text("error: ", "bold red").append(shown(text), "default"))

    @contextmanager
    def waiting(self, text: str) -> "Iterator[Tell]":
        """Show what the command waits for: on a terminal as a line that changes, elsewhere what is news."""
        said = [text]

        def say_once(now: str, is_news: bool) -> None:
            if is_news and now != said[-1]:
                said.append(now)
                self.say(now)

        if not self.console.is_terminal:
            yield say_once
            return
        with self.console.status(text) as line:
            yield lambda now, _: line.update(shown(now))

    def result(self, text: str) -> None:
        """Write a result; nothing for ``-o json``, whose document is the result."""
        if not self.as_json:
            sys.stdout.write(shown(text) + "\n")
            sys.stdout.flush()

    def document(self, answer: Any) -> None:
        """Write the JSON document of ``-o json``; nothing otherwise."""
        if self.as_json:
            sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=not _is_utf8()) + "\n")
            sys.stdout.flush()

    def table(self, columns: "Sequence[str]", rows: "Iterable[Sequence[str]]") -> None:
        """Write rows under their headings, to stdout: aligned for a person, with tabs for a program."""
        written = [[shown(cell).replace("\n", " ") for cell in row] for row in rows]
        if not sys.stdout.isatty():
            for row in written:
                self.result("\t".join(row))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in written:
            table.add_row(*(_plain(cell) for cell in row))
        Console(highlight=False).print(table)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def shown(text: str) -> str:
    """Return the text without what could steer a terminal: logs and errors come from strangers' builds."""
    return "".join(
        character if character in "\n\t" or character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _is_utf8() -> bool:
    return (sys.stdout.encoding or os.environ.get("PYTHONIOENCODING", "")).lower().replace("-", "") == "utf8"
