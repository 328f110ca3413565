"""``blue up``: the one-machine cloud; with --watch, and a project on it."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blue_faas_cli.problems import BlueError, usage
from blue_faas_cli.session import Session

if TYPE_CHECKING:
    from blue_faas_cli.deployment import Deployed
    from blue_faas_cli.watching.rounds import Rounds


def up(
    session: Session,
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]", help="With --watch: what is deployed, as for `blue deploy`.", show_default=False
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Deploy a project to the cloud, and again whenever a file of it is saved.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the API on 127.0.0.1.")] = 8000,
    state: Annotated[
        Path | None, typer.Option("--state", help="Folder that keeps everything for the next time.")
    ] = None,
    no_cluster: Annotated[bool, typer.Option("--no-cluster", help="Builds only.")] = False,
) -> None:
    """Start the one-machine cloud, and keep it up until Ctrl-C.

    The cloud comes with this command. The first start sets it up in the user's data folder, which fetches packages;
    later ones need no network. In a checkout of the repository, or with one in BLUE_CHECKOUT, it is the checkout's.

    With --watch, findings of a build are shown as compilers do, and the version before goes on answering; files that
    are not sent change nothing. A cloud that answers at the port already is used, and stays when this command ends.
    """
    if watch:
        if no_cluster or session.flags.authorizer not in (None, "none"):
            raise usage("--watch deploys to a cloud with a cluster that asks nobody who calls")
        _watch(session, path, port, state)
        return
    if path is not None:
        raise usage("Only --watch takes a file or folder; `blue deploy` deploys it once")
    command = _command(session, port, state, no_cluster=no_cluster)
    os.execv(command[0], command)  # noqa: S606  # becomes it


def _command(session: Session, port: int, state: Path | None, *, no_cluster: bool = False) -> list[str]:
    """Return what starts the cloud.

    Raises
    ------
    BlueError
        There is none that could be started.
    """
    from blue_faas_cli.one_machine import carried, checkout

    root = checkout.find()
    if root is not None:
        return checkout.command(session, root, port, state, no_cluster=no_cluster)
    if carried.ARCHIVE.is_file():
        return carried.command(session, port, state, no_cluster=no_cluster)
    raise usage(
        f"{Path.cwd()} is not in a checkout of Blue FaaS, and this installation of blue has no one-machine cloud of "
        "its own. Install the wheel that `make cli` writes, or set BLUE_CHECKOUT to the folder of a checkout."
    )


def _watch(session: Session, path: Path | None, port: int, state: Path | None) -> None:
    from blue_faas_cli.plan import source_path
    from blue_faas_cli.watching.cloud import beside
    from blue_faas_cli.watching.rounds import Rounds
    from blue_faas_cli.watching.sources import Sources

    here = dataclasses.replace(session.flags, url=f"http://127.0.0.1:{port}", authorizer="none")
    source = source_path(session.project, path)
    if not source.exists():
        raise usage(f"{source} does not exist")
    cloud = Session(here, session.output)
    with beside(cloud, lambda: _command(cloud, port, state)) as check:
        rounds = Rounds(_show)
        session.output.say(f"Watching {source}. Ctrl-C ends it.")
        for has_changed in Sources(source, session.project).changes():
            check()
            rounds.check()
            if has_changed:
                _offer(rounds, Session(here, session.output), path)


def _offer(rounds: "Rounds", session: Session, path: Path | None) -> None:
    """Have the project deployed as it is now; what cannot be sent is said, and waited for to change."""
    from blue_faas_cli.deployment import Plan
    from blue_faas_cli.plan import name_of, options_of, source_path
    from blue_faas_cli.source import pack
    from blue_faas_cli.watching.rounds import Round

    try:
        source = pack(source_path(session.project, path))
        name = name_of(session.project, source)
        rounds.offer(Round(session, Plan(source, name, options_of(session, session.project, name))))
    except BlueError as error:
        session.output.error(str(error))


def _show(session: Session, deployed: "Deployed") -> None:
    session.output.log_line(deployed.address, deployed.document)
