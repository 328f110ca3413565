"""``blue logs``: what a build has written, or what a function has printed."""

from typing import Annotated

import typer

from blue_faas_cli.session import Session


def logs(
    session: Session,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK|APP]",
            help="Id of a task, or name of an app; by default the app of blue.toml.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    tail: Annotated[int, typer.Option("--tail", min=1, help="Of an app: how many lines to begin with.")] = 100,
    previous: Annotated[
        bool, typer.Option("--previous", help="Of an app: what its replicas printed before they last crashed.")
    ] = False,
) -> None:
    """Show the log of a build, by its task, or of a function, by its app.

    The lines are on stdout. With -o json each line is a document of its own.
    """
    from blue_faas_cli.build_log import BuildLog, is_task
    from blue_faas_cli.plan import app_of

    if target is not None and is_task(target):
        log = BuildLog(session, target, session.output.log_line)
        if follow:
            log.follow()
        else:
            log.show()
        return
    _app_log(session, app_of(session, target), follow=follow, tail=tail, previous=previous)


def _app_log(session: Session, app_name: str, *, follow: bool, tail: int, previous: bool) -> None:
    from blue_faas_cli.api import LONG_POLL_SECONDS
    from blue_faas_cli.apps import get_log, line_text

    part = get_log(session, app_name, tail=tail, previous="true" if previous else None)
    for replica in part.replicas:
        if replica.note:
            session.output.say(f"{replica.name}: {replica.note}")
    while True:
        for line in part.lines:
            session.output.log_line(line_text(part, line), line.model_dump())
        if not follow:
            return
        part = get_log(session, app_name, since=part.next, wait=LONG_POLL_SECONDS)
