"""The command ``blue``: its commands by name."""

from typing import Annotated

import typer

from blue_faas_cli import VERSION
from blue_faas_cli.commands import (
    apps,
    browse,
    completion,
    deploy,
    doctor,
    invoke,
    login,
    logs,
    mcp,
    metrics,
    project,
    tasks,
    ui,
    up,
)
from blue_faas_cli.session import command

app = typer.Typer(
    name="blue",
    help="From a Python file to a running WebAssembly function.",
    no_args_is_help=True,
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


for _function in (
    project.init,
    project.check,
    up.up,
    deploy.deploy,
    logs.logs,
    tasks.tasks,
    tasks.task,
    tasks.cancel,
    apps.apps,
    apps.app,
    metrics.metrics,
    apps.revisions,
    apps.rollback,
    apps.delete,
    invoke.invoke,
    browse.open_,
    ui.ui,
    mcp.mcp,
    login.login,
    login.logout,
    doctor.doctor,
    completion.completion,
):
    app.command(_function.__name__.rstrip("_"))(command(_function))


def main() -> None:
    """Run the command line."""
    app()
