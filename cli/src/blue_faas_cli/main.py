"""The command ``blue``: its commands by name."""

from typing import Annotated

import typer

from blue_faas_cli import VERSION
from blue_faas_cli.commands import deploy
from blue_faas_cli.session import command

app = typer.Typer(
    name="blue",
    help="From a Python file to a running WebAssembly function.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def blue(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """From a Python file to a running WebAssembly function."""


app.command()(command(deploy.deploy))


def main() -> None:
    """Run the command line."""
    app()
