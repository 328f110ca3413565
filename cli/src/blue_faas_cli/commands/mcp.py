"""``blue mcp``: tools for agents, on stdin and stdout."""

import os
from pathlib import Path
from typing import Annotated

import typer

from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session


def mcp(
    session: Session,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            exists=True,
            file_okay=False,
            help="Folder that sources are read from, and nothing beside it; by default the one that this runs in.",
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Without the tools that build, deploy and roll back.")
    ] = False,
) -> None:
    """Serve build, logs, deploy and rollback as tools for agents, by the Model Context Protocol on stdin and stdout.

    A client starts it, with the address, workspace and namespace in its options or variables: agents cannot choose
    others. Needs the extra `mcp` of the wheel.
    """
    try:
        from blue_faas_cli.agents.server import create_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "mcp":
            raise
        raise usage(
            "The SDK of the Model Context Protocol is not installed. It is an extra of the wheel: "
            'pipx install --force "$(ls dist/blue_faas-*.whl)[mcp]"'
        ) from None
    from blue_faas_cli.console import Output

    if folder is not None:
        os.chdir(folder)
    if session.output.can_ask:
        session.output.say(
            "A client of the Model Context Protocol starts this, and talks to it on stdin. Ctrl-C ends it."
        )
    # Tools run side by side: none of them draws on the terminal that stderr may be.
    for_program = Session(session.flags, Output(as_json=False, for_program=True))
    create_server(for_program, Path.cwd(), read_only=read_only).run("stdio")
