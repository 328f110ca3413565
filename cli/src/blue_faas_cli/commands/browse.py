"""``blue open``: a function, or the page, in the browser."""

from typing import Annotated

import typer

from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.session import Session


def open_(
    session: Session,
    app_name: Annotated[
        str | None, typer.Argument(metavar="[APP]", help="Name of the app; without one, the page of the service.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or only print the address.")
    ] = True,
) -> None:
    """Open a function in the browser, or the page with tasks and apps; prints the address.

    BROWSER names another browser; without a terminal or a display the address is printed only. A function that has an
    address inside its cluster only is reached through `kubectl port-forward`, until Ctrl-C. Where the API asks for
    signatures, the page is that of `blue ui`.
    """
    if app_name is not None:
        _open_app(session, app_name, browser)
    elif session.settings.authorizer == "iam":
        from blue_faas_cli.commands.ui import ui

        ui(session, browser=browser)
    else:
        if not session.api.has_page():
            raise BlueError(
                f"{session.settings.url} serves no page: `ui` is not set there. `blue ui` serves it on this machine.",
                Exit.REFUSED,
            )
        _show(session, f"{session.settings.url}/ui", browser)


def _open_app(session: Session, app_name: str, browser: bool) -> None:
    from blue_faas_cli.apps import get_app
    from blue_faas_cli.reach import address_of, way_to

    app = get_app(session, app_name).typed
    address = address_of(session.settings, app)
    if address is not None:
        _show(session, address, browser)
        return
    with way_to(session, app) as way:
        _show(session, way.address, browser)
        session.output.say("kubectl leads there until Ctrl-C.")
        way.wait()
    raise BlueError(f"kubectl no longer leads to {app_name}", Exit.NO_ANSWER)


def _show(session: Session, address: str, browser: bool) -> None:
    from blue_faas_cli.browser import open_address

    session.output.result(address)
    session.output.document({"address": address})
    if browser and open_address(address):
        session.output.say("Opened in the browser.")
