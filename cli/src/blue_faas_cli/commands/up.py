"""``blue up``: the one-machine cloud, from a checkout of the repository."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session


def up(
    session: Session,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the API on 127.0.0.1.")] = 8000,
    state: Annotated[
        Path | None, typer.Option("--state", help="Folder that keeps everything for the next time.")
    ] = None,
    no_cluster: Annotated[bool, typer.Option("--no-cluster", help="Builds only.")] = False,
) -> None:
    """Start the one-machine cloud, and keep it up until Ctrl-C.

    The cloud is part of the repository, not of this wheel: the command wants a checkout of it, which is the folder that
    it is run in, one above, or the one in BLUE_CHECKOUT.
    """
    root = _checkout()
    make = shutil.which("make")
    if make is None:
        raise usage("The one-machine cloud is set up by make, which is not on PATH")
    variables = [f"PORT={port}"]
    if state is not None:
        variables.append(f"STATE={state.resolve()}")
    if no_cluster:
        variables.append("CLUSTER=no")
    if session.flags.authorizer:
        os.environ["AUTHORIZER"] = session.flags.authorizer
    session.output.say(f"make local in {root}")
    os.execv(make, [make, "--no-print-directory", "-C", str(root), "local", *variables])  # noqa: S606  # becomes it


def _checkout() -> Path:
    """Return the root of the checkout.

    Raises
    ------
    BlueError
        There is none.
    """
    given = os.environ.get("BLUE_CHECKOUT")
    here = Path(given).resolve() if given else Path.cwd()
    for folder in (here,) if given else (here, *here.parents):
        if (folder / "local" / "cloud" / "supervisor.py").is_file() and (folder / "Makefile").is_file():
            return folder
    raise usage(
        f"{here} is not in a checkout of Blue FaaS, which the one-machine cloud is a part of. Clone the repository and "
        "run this command there, or set BLUE_CHECKOUT to its folder."
    )
