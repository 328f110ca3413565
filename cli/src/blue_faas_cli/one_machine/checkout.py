"""The one-machine cloud of a checkout: ``make local`` there."""

import os
import shutil
from pathlib import Path

from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session


def find() -> Path | None:
    """Return the root of the checkout that the command was run in, or that BLUE_CHECKOUT names; None without one.

    Raises
    ------
    BlueError
        BLUE_CHECKOUT names a folder that is none.
    """
    given = os.environ.get("BLUE_CHECKOUT")
    if given:
        folder = Path(given).resolve()
        if not _is_checkout(folder):
            raise usage(f"BLUE_CHECKOUT is {folder}, which is no checkout of Blue FaaS")
        return folder
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _is_checkout(folder)), None)


def command(session: Session, root: Path, port: int, state: Path | None, *, no_cluster: bool) -> list[str]:
    """Return what starts the cloud.

    Raises
    ------
    BlueError
        There is no make.
    """
    make = shutil.which("make")
    if make is None:
        raise usage("The one-machine cloud of a checkout is set up by make, which is not on PATH")
    variables = [f"PORT={port}"]
    if state is not None:
        variables.append(f"STATE={state.resolve()}")
    if no_cluster:
        variables.append("CLUSTER=no")
    if session.flags.authorizer:
        os.environ["AUTHORIZER"] = session.flags.authorizer
    session.output.say(f"make local in {root}")
    return [make, "--no-print-directory", "-C", str(root), "local", *variables]


def _is_checkout(folder: Path) -> bool:
    return (folder / "local" / "cloud" / "supervisor.py").is_file() and (folder / "Makefile").is_file()
