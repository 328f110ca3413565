"""``blue metrics``: requests, errors and latency of apps."""

from typing import Annotated

import typer

from blue_faas_cli.session import Session


def metrics(
    session: Session,
    app_name: Annotated[
        str | None, typer.Argument(metavar="[APP]", help="Name of the app; by default every app of the namespace.")
    ] = None,
    minutes: Annotated[int, typer.Option("--minutes", "-m", min=1, max=1440, help="Minutes to look back.")] = 60,
) -> None:
    """Show requests, errors and latency of an app over time, or of every app of the namespace.

    Errors are answers with a status from 500 on. What is newest arrives after up to two minutes.
    """
    if app_name is None:
        _all(session, minutes)
    else:
        _one(session, app_name, minutes)


def _one(session: Session, app_name: str, minutes: int) -> None:
    from blue_faas_cli.apps import get_metrics

    found = get_metrics(session, app_name, minutes)
    app = found.typed
    session.output.table(
        ("FROM", "REQUESTS", "ERRORS", "P50 MS", "P99 MS"),
        [
            (point.start, str(point.requests), str(point.errors), _ms(point.latency_p50_ms), _ms(point.latency_p99_ms))
            for point in app.points
        ],
    )
    if app.note is not None:
        session.output.say(app.note)
    if app.requests is not None:
        session.output.say(f"requests {app.requests}, errors {app.errors}, average {_ms(app.latency_average_ms)} ms")
    replicas = app.replicas
    session.output.say(f"replicas {replicas.ready} of {replicas.desired or 0} ready, restarts {replicas.restarts}")
    session.output.document(found.raw)


def _all(session: Session, minutes: int) -> None:
    from blue_faas_cli.apps import get_metrics, in_workspace
    from functions.models.apps import AppList

    apps = session.api.get(AppList, "/api/v1/apps", namespace=session.settings.namespace, **in_workspace(session))
    found = [get_metrics(session, app.app_name, minutes) for app in apps.typed.apps]
    session.output.table(
        ("APP", "REQUESTS", "ERRORS", "AVERAGE MS", "READY", "RESTARTS"),
        [
            (
                app.app_name,
                _count(app.requests),
                _count(app.errors),
                _ms(app.latency_average_ms),
                str(app.replicas.ready),
                str(app.replicas.restarts),
            )
            for app in (each.typed for each in found)
        ],
    )
    if unmeasured := [each.typed.app_name for each in found if not each.typed.measured]:
        session.output.say(f"Not measured: {', '.join(unmeasured)}. `blue metrics {unmeasured[0]}` says why.")
    session.output.document({"apps": [each.raw for each in found]})


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}"
