"""``blue apps``, ``app``, ``revisions``, ``rollback``, ``delete``: what runs in the cluster."""

import time
from typing import Annotated

import typer

from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="Name of the app.")]
OwnAppArgument = Annotated[
    str | None,
    typer.Argument(metavar="[APP]", help="Name of the app; by default that of blue.toml.", show_default=False),
]


def apps(session: Session) -> None:
    """List the apps of the namespace."""
    from blue_faas_cli.apps import in_workspace
    from functions.models.apps import AppList

    found = session.api.get(AppList, "/api/v1/apps", namespace=session.settings.namespace, **in_workspace(session))
    session.output.table(
        ("APP", "REVISION", "READY", "AVAILABLE", "IMAGE"),
        [
            (
                app.app_name,
                str(app.revision),
                str(app.ready_replicas),
                {True: "yes", False: "no", None: "-"}[app.available],
                app.image,
            )
            for app in found.typed.apps
        ],
    )
    session.output.document(found.raw)


def app(session: Session, app_name: OwnAppArgument = None) -> None:
    """Show an app: whether it serves, its replicas, and what keeps it from running.

    The exit code is 1 when it cannot start.
    """
    from blue_faas_cli.apps import get_app
    from blue_faas_cli.plan import app_of

    app_name = app_of(session, app_name)
    found = get_app(session, app_name)
    state, write = found.typed, session.output.result
    write(f"status     {state.status}")
    write(f"revision   {state.revision}")
    write(f"image      {state.image}")
    restarts = f", {state.replicas.restarts} restarts" if state.replicas.restarts else ""
    write(f"replicas   {state.replicas.ready} of {state.replicas.desired or 0} ready{restarts}")
    write(f"endpoint   http://{state.endpoint}/")
    if state.url is not None:
        write(f"url        {state.url}")
    for problem in state.problems:
        session.output.say(f"{problem.pod}: {problem.reason}: {problem.message}")
    if state.status == "failing":
        raise BlueError(f"{app_name} does not start: {state.error}", Exit.SOURCE, found.raw)
    session.output.document(found.raw)


def revisions(session: Session, app_name: OwnAppArgument = None) -> None:
    """List the deploys of an app, newest first."""
    from blue_faas_cli.apps import app_path, in_workspace
    from blue_faas_cli.plan import app_of
    from functions.models.apps import RevisionList

    found = session.api.get(
        RevisionList, f"{app_path(session, app_of(session, app_name))}/revisions", **in_workspace(session)
    )
    session.output.table(
        ("REVISION", "DEPLOYED", "BY", "CHANGED", "IMAGE"),
        [
            (
                f"{entry.revision}{' (current)' if entry.current else ''}",
                entry.deployed_at or "-",
                entry.deployed_by or "-",
                f"rollback to {entry.rollback_of}" if entry.rollback_of else ", ".join(entry.changed) or "-",
                entry.image,
            )
            for entry in found.typed.revisions
        ],
    )
    session.output.document(found.raw)


def rollback(
    session: Session,
    app_name: OwnAppArgument = None,
    revision: Annotated[
        int | None,
        typer.Argument(
            metavar="[REVISION]", min=1, help="The one to restore; by default the one before.", show_default=False
        ),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="End before the restored version serves.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait; then exit code 124.")] = 300,
) -> None:
    """Restore an earlier revision of an app, and wait until it serves.

    A number is a revision, also where no app is named before it: no app has such a name.
    """
    from blue_faas_cli.apps import age, app_path, in_workspace, wait_for_app
    from blue_faas_cli.follow import Deadline
    from blue_faas_cli.plan import app_of
    from functions.models.deploy import DeployResponse

    if revision is None and app_name is not None and app_name.isdecimal():
        revision, app_name = int(app_name), None
    app_name = app_of(session, app_name)
    started = time.monotonic()
    restored = session.api.post(
        DeployResponse,
        f"{app_path(session, app_name)}/rollback",
        params=in_workspace(session),
        json={} if revision is None else {"revision": revision},
    )
    if not no_wait:
        wait_for_app(session, app_name, Deadline(timeout, "The rollback"))
    session.output.say(f"{app_name} is at revision {restored.typed.revision}, {age(started)}")
    session.output.document(restored.raw)


def delete(
    session: Session,
    app_name: AppArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an app, with its history."""
    from blue_faas_cli.apps import app_path, in_workspace
    from functions.models.apps import AppDeleted

    if not yes:
        if not session.output.can_ask:
            raise usage("Nobody is there to ask: --yes deletes without asking")
        if not typer.confirm(f"Delete {app_name} in {session.settings.namespace}?", err=True):
            raise BlueError("Nothing was deleted", Exit.INTERRUPTED)
    deleted = session.api.delete(AppDeleted, app_path(session, app_name), **in_workspace(session))
    session.output.say(f"{app_name} is deleted")
    session.output.document(deleted.raw)
