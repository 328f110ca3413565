"""Writes docs/cli.md, the page of all commands, as ``blue --help`` has them (``make cli``)."""

import sys
from pathlib import Path
from typing import Any, Final

import typer.main
from blue_faas_cli.main import app
from blue_faas_cli.problems import Exit
from blue_faas_cli.session import Flags

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
_INTRODUCTION: Final = (Path(__file__).resolve().parent / "introduction.md").read_text("utf-8")
_EXITS: Final = {
    Exit.OK: "done",
    Exit.SOURCE: "the source does not build, or the app does not start",
    Exit.USAGE: "the command line or a configuration file is wrong; nothing was sent",
    Exit.REFUSED: "the service refused: no permission, not found, or not possible",
    Exit.NO_ANSWER: "the service or its cluster does not respond, or failed",
    Exit.TIMEOUT: "the time of `--timeout` is over; what was started goes on",
    Exit.INTERRUPTED: "Ctrl-C; for a build, the command asks whether it goes on",
}


def page() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("blue", [], resilient_parsing=True)
    common = set(Flags.__dataclass_fields__)
    sections = [
        _section(f"blue {name}", group.get_command(context, name), common) for name in group.list_commands(context)
    ]
    first = group.get_command(context, group.list_commands(context)[0])
    shared = [parameter for parameter in first.params if parameter.name in common]
    exits = "\n".join(f"| {code:d} | {text} |" for code, text in _EXITS.items())
    return (
        "\n\n".join(
            [
                _INTRODUCTION.strip(),
                "## Options of every command",
                _table(shared),
                "## Exit codes",
                f"| code | meaning |\n| --- | --- |\n{exits}",
                "## Commands",
                *sections,
            ]
        )
        + "\n"
    )


def _section(name: str, command: Any, common: set[str]) -> str:
    own = [parameter for parameter in command.params if parameter.name not in common and parameter.name != "help"]
    arguments = [_argument(parameter) for parameter in own if parameter.param_type_name == "argument"]
    usage = " ".join([name, *arguments, "[OPTIONS]"])
    parts = [f"### {name}", f"```text\n{usage}\n```", _prose(command.help)]
    if own:
        parts.append(_table(own))
    return "\n\n".join(parts)


def _argument(parameter: Any) -> str:
    name: str = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _table(parameters: list[Any]) -> str:
    rows = [f"| `{_written(parameter)}` | {_prose(parameter.help)}{_default(parameter)} |" for parameter in parameters]
    return "\n".join(["| option | effect |", "| --- | --- |", *rows])


def _written(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _argument(parameter).replace("|", "\\|")
    names = ", ".join([*sorted(parameter.opts, key=len), *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'TEXT'}".replace("|", "\\|")


def _default(parameter: Any) -> str:
    shown = parameter.default is not None and not getattr(parameter, "is_flag", False)
    return f" Default: {parameter.default:g}." if shown and isinstance(parameter.default, (int, float)) else ""


def _prose(text: str | None) -> str:
    lines = (text or "").split("\n\n")
    return "\n\n".join(" ".join(line.split()) for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
