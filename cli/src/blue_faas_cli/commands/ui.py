"""``blue ui``: the page, on this machine, with this caller's credentials."""

import contextlib
import secrets
import socket
from typing import Annotated, Final

import typer

from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session

_KEY_BYTES: Final = 32
_REQUEST_BYTES: Final = 4_500_000
"""Body of a request that the service takes as shipped."""


def ui(
    session: Session,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Serve the page on this machine, and keep it up until Ctrl-C.

    What the page asks of the API is signed with your AWS credentials, or carries your token. The address that is
    printed holds a key of this run: only the tab that was opened with it may call the API.
    """
    import uvicorn

    from blue_faas_cli.page.app import create_app
    from blue_faas_cli.page.door import Door
    from blue_faas_cli.page.forwarding import Forwarding
    from blue_faas_cli.page.opening import opened
    from functions.models.page import PageConfig

    settings = session.settings
    told = PageConfig(
        access="key",
        request_bytes=_REQUEST_BYTES,
        deploys=session.api.deploys(),
        workspace_id=settings.workspace_id,
        namespace=settings.namespace,
    )
    key = secrets.token_urlsafe(_KEY_BYTES)
    forwarding = Forwarding(settings)
    with _listening(port) as listener:
        taken = listener.getsockname()[1]
        address = f"http://127.0.0.1:{taken}/ui#key={key}"
        config = uvicorn.Config(
            create_app(Door(taken, key), forwarding, told), log_level="error", access_log=False, server_header=False
        )
        session.output.result(address)
        session.output.document({"address": address})
        session.output.say(f"The page of {settings.url} is at this address. Ctrl-C ends it.")
        way = opened(address) if browser else contextlib.nullcontext(True)
        with way as is_open:
            if not is_open:
                session.output.say("There is no browser to open: paste the address into one.")
            uvicorn.Server(config).run([listener])


def _listening(port: int) -> socket.socket:
    """Return a socket on 127.0.0.1 that takes connections: they wait until the page is served.

    Raises
    ------
    BlueError
        The port is taken.
    """
    # asyncio switches off Nagle's algorithm only where the protocol is named: every answer would be 40 ms late.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # The address is said before the server is up: who goes there at once has to be let in.
        listener.listen()
    except OSError:
        listener.close()
        raise usage(f"Port {port} on 127.0.0.1 is taken: choose another, or let --port 0 find one") from None
    return listener
