"""Apps in the cluster, as commands ask for them."""

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from blue_faas_cli.api import Answer
from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.session import Session
from functions.models.app_metrics import AppMetrics
from functions.models.apps import AppLog, AppLogLine, AppState

if TYPE_CHECKING:
    from blue_faas_cli.follow import Deadline

_SHORT = 15
"""Minutes that are counted minute by minute; of a longer time, five minutes are one period."""


def app_path(session: Session, app_name: str, namespace: str | None = None) -> str:
    """Return the path of an app in the API."""
    return f"/api/v1/apps/{quote(namespace or session.settings.namespace, safe='')}/{quote(app_name, safe='')}"


def in_workspace(session: Session) -> dict[str, Any]:
    """Return the query that says whose apps are meant."""
    return {"workspace_id": session.settings.workspace_id}


def get_app(session: Session, app_name: str, namespace: str | None = None) -> Answer[AppState]:
    """GET an app."""
    return session.api.get(AppState, app_path(session, app_name, namespace), **in_workspace(session))


def get_log(session: Session, app_name: str, **query: Any) -> AppLog:
    """GET what an app's replicas have printed."""
    return session.api.get(AppLog, f"{app_path(session, app_name)}/logs", **in_workspace(session), **query).typed


def get_metrics(session: Session, app_name: str, minutes: int) -> Answer[AppMetrics]:
    """GET what was measured of an app's requests in the last minutes."""
    query = {"minutes": minutes, "period": 60 if minutes <= _SHORT else 300}
    return session.api.get(AppMetrics, f"{app_path(session, app_name)}/metrics", **in_workspace(session), **query)


def line_text(log: AppLog, line: AppLogLine) -> str:
    """Return a line of a log, with its replica where there are several."""
    return line.message if len(log.replicas) < 2 else f"{line.replica} {line.message}"


def wait_for_app(
    session: Session, app_name: str, deadline: "Deadline", namespace: str | None = None
) -> Answer[AppState]:
    """Return the app once all its replicas run the current version.

    Raises
    ------
    BlueError
        The version cannot start; the JSON document is the app.
    """
    with session.output.waiting("starting"):
        while True:
            app = get_app(session, app_name, namespace)
            if app.typed.status == "available":
                return app
            if app.typed.status == "failing":
                raise BlueError(f"{app_name} does not start: {app.typed.error}", Exit.SOURCE, app.raw)
            deadline.pause()


def age(started: float) -> str:
    """Return the time since ``started`` (`time.monotonic`) for a person."""
    return f"{time.monotonic() - started:.1f} s"
