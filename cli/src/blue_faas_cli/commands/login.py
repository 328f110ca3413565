"""``blue login`` and ``blue logout``: which API, as whom, kept as a context."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blue_faas_cli.config import Project, Settings, config_file, read_contexts, resolve
from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session, blue_variables

if TYPE_CHECKING:
    from blue_faas_cli.sign_in.device import DeviceCode
    from blue_faas_cli.sign_in.tokens import Tokens

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="Name of the context; without an address the current one, otherwise `default`.",
        show_default=False,
    ),
]


def login(
    session: Session,
    name: NameArgument = None,
    stack: Annotated[
        str | None, typer.Option("--stack", help="Name of the CloudFormation stack whose output ApiUrl is the address.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", help="For jwt: address of the issuer of tokens. [BLUE_ISSUER]")
    ] = None,
    client_id: Annotated[
        str | None,
        typer.Option("--client-id", help="For jwt: the issuer's public client that `blue` is. [BLUE_CLIENT_ID]"),
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option("--scope", help="For jwt: scopes, by default `openid offline_access`. [BLUE_SCOPE]"),
    ] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", help="For jwt: the API, where the issuer asks for it. [BLUE_AUDIENCE]")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the issuer's page.")] = True,
) -> None:
    """Sign in at an API, and keep its address, and as whom to call it, as a context.

    With --url or --stack the first time; later, `blue login [NAME]` signs in again. Nothing is kept that does not work.

    Under `jwt` you confirm a code on the issuer's page, on any device (OIDC device flow). The tokens are kept for this
    API alone, in a file that only you can read, and renewed before they expire. Under `iam` the AWS profile has to
    work: `aws sso login` is run where it needs that, and no credentials are kept.
    """
    from blue_faas_cli.contexts import write_context

    given = {"issuer": issuer, "client_id": client_id, "scope": scope, "audience": audience}
    name, settings = _settings(session, name, given, stack)
    settings, tokens = _signed_in(session, settings, browser=browser)
    _try(settings)
    context = {
        key: value
        for key in ("url", "authorizer", "workspace_id", "namespace", "profile", "region", *given)
        if (value := getattr(settings, key))
    }
    write_context(config_file(), name, context)
    _keep(name, tokens)
    session.output.say(f"{name} is the current context: {settings.url}, workspace {settings.workspace_id}")
    session.output.document({"context": name, **context})


def logout(session: Session, name: NameArgument = None) -> None:
    """Remove the tokens of a context, and have the issuer take them back where it can.

    The context stays: `blue login [NAME]` signs in again. AWS credentials are the AWS CLI's (`aws sso logout`).
    """
    current, contexts = read_contexts(config_file())
    name = name or session.flags.context or current
    if name is None or name not in contexts:
        raise usage(f"No context is named {name!r}" if name else "There is no context to sign out of")
    from blue_faas_cli.sign_in.renewal import sign_out

    was_signed_in = sign_out(name)
    session.output.say(f"Signed out of {name}" if was_signed_in else f"No tokens are kept for {name}")
    session.output.document({"context": name, "signed_out": was_signed_in})


def _settings(
    session: Session, name: str | None, given: dict[str, str | None], stack: str | None
) -> tuple[str, Settings]:
    """Return the context's name, and the settings that it will have.

    They come from options, variables and, without an address, the context itself; from no blue.toml, which may be a
    stranger's.
    """
    flags, variables, project = {**dataclasses.asdict(session.flags), **given}, blue_variables(), Project(Path.cwd())
    if stack is not None:
        from blue_faas_cli import aws
        from blue_faas_cli.sign_in.aws import signed_in

        # Any address will do here: what is asked for is whose credentials count.
        asking = resolve({**flags, "url": "https://unknown.invalid", "authorizer": "iam"}, variables, project)
        flags["url"] = signed_in(lambda: aws.api_url(asking, stack), session.output.say)
    if flags["url"] or variables.get("BLUE_URL"):
        return name or "default", resolve({**flags, "context": None}, {**variables, "BLUE_CONTEXT": ""}, project)
    current, contexts = read_contexts(config_file())
    name = name or session.flags.context or current
    if name is None or name not in contexts:
        raise usage("Give the address with --url, or the stack with --stack")
    return name, resolve({**flags, "context": name}, variables, project)


def _signed_in(session: Session, settings: Settings, *, browser: bool) -> "tuple[Settings, Tokens | None]":
    """Sign in as the authorizer asks; returns the settings to call with, and the tokens to keep if there are any."""
    if settings.authorizer == "iam":
        from blue_faas_cli import aws
        from blue_faas_cli.sign_in.aws import signed_in

        session.output.say(f"Signed in as {signed_in(lambda: aws.caller(settings), session.output.say)}")
    if settings.authorizer != "jwt" or settings.token is not None:
        return settings, None
    from blue_faas_cli.sign_in.device import request_for, sign_in

    request = request_for(settings)
    with session.output.waiting("waiting for the issuer") as tell:

        def show(code: "DeviceCode") -> None:
            session.output.say(f"Open {code.verification_uri} and enter the code {code.user_code}")
            if browser and _open(code):
                session.output.say("Opened in the browser: compare the code, then allow it.")
            tell(f"waiting until {code.user_code} is confirmed, for {code.expires_in / 60:.0f} minutes at most", True)

        tokens = sign_in(request, show)
    return dataclasses.replace(settings, token=tokens.access_token), tokens


def _open(code: "DeviceCode") -> bool:
    from blue_faas_cli.browser import open_address

    return open_address(code.verification_uri_complete or code.verification_uri)


def _keep(name: str, tokens: "Tokens | None") -> None:
    """Keep the tokens of a context; those of an earlier one of the same name are given back where there are none."""
    from blue_faas_cli.sign_in.renewal import sign_out
    from blue_faas_cli.sign_in.tokens import TokenFile

    if tokens is None:
        sign_out(name)
        return
    file = TokenFile(name)
    with file.locked():
        file.write(tokens)


def _try(settings: Settings) -> None:
    """Call the API as the context will.

    Raises
    ------
    BlueError
        It does not let the caller in.
    """
    from blue_faas_cli.api import Api
    from functions.models.builds import TaskPage

    Api(settings).get(TaskPage, f"/api/v1/workspaces/{settings.workspace_id}/tasks", limit=1)
