"""``blue doctor``: whether the API can be called, and as whom."""

import email.utils
import time
from collections.abc import Callable
from typing import Any, Final

import typer

from blue_faas_cli import VERSION
from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.session import Session

_MOST_SKEW: Final = 240.0
"""Seconds. AWS refuses signatures that are five minutes off."""


def doctor(session: Session) -> None:
    """Say what works and what does not: address, clock, credentials, authorizer, cluster."""
    checks: dict[str, Callable[[Session], str]] = {
        "settings": _settings,
        "service": _service,
        "clock": _clock,
        "credentials": _credentials,
        "tasks": _tasks,
        "apps": _apps,
    }
    results: list[dict[str, Any]] = []
    worst = Exit.OK
    for name, check in checks.items():
        try:
            text, is_fine = check(session), True
        except BlueError as error:
            text, is_fine = str(error), False
            worst = worst or error.exit_code
            if error.exit_code == Exit.USAGE:
                raise
        results.append({"check": name, "ok": is_fine, "text": text})
        session.output.result(f"{'ok ' if is_fine else 'NOT'}  {name:<12} {text}")
    session.output.document({"version": VERSION, "checks": results})
    if worst:
        raise typer.Exit(worst)


def _settings(session: Session) -> str:
    settings = session.settings
    place = f"context {settings.context}" if settings.context else "no context"
    return f"blue {VERSION}, {settings.url}, authorizer {settings.authorizer}, {place}"


def _service(session: Session) -> str:
    started = time.monotonic()
    session.api.health()
    return f"answers in {(time.monotonic() - started) * 1000:.0f} ms"


def _clock(session: Session) -> str:
    answered = email.utils.parsedate_to_datetime(session.api.health()).timestamp()
    skew = time.time() - answered
    if abs(skew) > _MOST_SKEW:
        raise BlueError(
            f"this clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}: signatures are refused",
            Exit.REFUSED,
        )
    return f"{abs(skew):.0f} s off at most"


def _credentials(session: Session) -> str:
    settings = session.settings
    if settings.authorizer == "none":
        return "none needed"
    if settings.authorizer == "iam":
        from blue_faas_cli.aws import caller

        return caller(settings)
    if settings.token is not None:
        return _token("BLUE_TOKEN", settings.token)
    return _kept_token(settings)


def _kept_token(settings: Settings) -> str:
    """Say who is signed in, and whether that will go on; renews the token if it is time."""
    from blue_faas_cli.signing import kept_token

    tokens = kept_token(settings).current()
    renewed = "renewed before it expires" if tokens.refresh_token else "then `blue login` again"
    return f"signed in at {tokens.issuer}: {_token('The issuer', tokens.access_token)}, {renewed}"


def _token(place: str, token: str) -> str:
    """Say whose token it is, and until when it is valid; whether it is genuine, the API judges."""
    from blue_faas_cli.sign_in.tokens import claims_of

    try:
        claims = claims_of(token)
        expires, subject = float(claims["exp"]), claims.get("sub")
    except (ValueError, KeyError, TypeError):
        raise BlueError(
            f"{place} has no JWT with a time of expiry. Some issuers make one only for --audience, or another --scope.",
            Exit.REFUSED,
        ) from None
    if expires < time.time():
        raise BlueError(f"the token of {subject} has expired", Exit.REFUSED)
    return f"token of {subject}, valid for {(expires - time.time()) / 60:.0f} minutes"


def _tasks(session: Session) -> str:
    from functions.models.builds import TaskPage

    session.api.get(TaskPage, f"/api/v1/workspaces/{session.settings.workspace_id}/tasks", limit=1)
    return f"workspace {session.settings.workspace_id} lets this caller in"


def _apps(session: Session) -> str:
    from blue_faas_cli.apps import in_workspace
    from functions.models.apps import AppList

    namespace, workspace = session.settings.namespace, session.settings.workspace_id
    found = session.api.get(AppList, "/api/v1/apps", namespace=namespace, **in_workspace(session))
    count = len(found.typed.apps)
    return f"{count} {'app' if count == 1 else 'apps'} of workspace {workspace} in namespace {namespace}"
