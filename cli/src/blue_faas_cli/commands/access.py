"""``blue login`` and ``blue doctor``: which API, as whom, and whether that works."""

import base64
import dataclasses
import email.utils
import json
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from blue_faas_cli import VERSION
from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session

_MOST_SKEW: Final = 240.0
"""Seconds. AWS refuses signatures that are five minutes off."""


def login(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Name of the context.")] = "default",
    stack: Annotated[
        str | None, typer.Option("--stack", help="Name of the CloudFormation stack whose output ApiUrl is the address.")
    ] = None,
) -> None:
    """Keep an API's address, and as whom to call it, as a context, after a call that shows that it works.

    With --url or --stack, and --profile, --region, --workspace and --namespace where they are not the defaults. No
    credentials are kept: they stay where the AWS CLI has them, and a token in BLUE_TOKEN.
    """
    from blue_faas_cli.config import config_file
    from blue_faas_cli.contexts import write_context

    if stack is not None:
        session = Session(dataclasses.replace(session.flags, url=_api_url(session, stack)), session.output)
    if not session.flags.url:
        raise usage("Give the address with --url, or the stack with --stack")
    _tasks(session)
    settings = session.settings
    context = {
        "url": settings.url,
        "authorizer": settings.authorizer,
        "workspace_id": settings.workspace_id,
        "namespace": settings.namespace,
        **({"profile": settings.profile} if settings.profile else {}),
        **({"region": settings.region} if settings.region else {}),
    }
    write_context(config_file(), name, context)
    session.output.say(f"{name} is the current context: {settings.url}, workspace {settings.workspace_id}")
    session.output.document({"context": name, **context})


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
    if settings.authorizer == "jwt":
        return _token(settings.token)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(_aws("sts", settings).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        raise BlueError(f"AWS does not know these credentials: {error}", Exit.REFUSED) from None


def _token(token: str | None) -> str:
    """Say whose token it is, and until when it is valid; whether it is genuine, the API judges."""
    try:
        payload = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = float(claims["exp"])
        subject = claims.get("sub")
    except (IndexError, ValueError, KeyError, TypeError, AttributeError):
        raise BlueError("BLUE_TOKEN is no JWT with a time of expiry", Exit.REFUSED) from None
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

    namespace = session.settings.namespace
    found = session.api.get(AppList, "/api/v1/apps", namespace=namespace, **in_workspace(session))
    return f"namespace {namespace} has {len(found.typed.apps)} apps"


def _api_url(session: Session, stack: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    # Any address will do here: what is asked for is whose credentials count.
    settings = Session(dataclasses.replace(session.flags, url="https://unknown.invalid"), session.output).settings
    try:
        (found,) = _aws("cloudformation", settings).describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise BlueError(f"The stack {stack} cannot be read: {error}", Exit.REFUSED) from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if "ApiUrl" not in outputs:
        raise BlueError(f"The stack {stack} has no output ApiUrl: is it one of Blue FaaS?", Exit.REFUSED)
    return str(outputs["ApiUrl"])


def _aws(service: str, settings: Settings) -> Any:
    """Return a client of an AWS service, called as the API is."""
    from blue_faas_cli.signing import aws_session

    session, region = aws_session(settings)
    return session.create_client(service, region_name=region)
