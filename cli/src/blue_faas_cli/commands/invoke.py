"""``blue invoke``: a request to a function, wherever it runs."""

import sys
from typing import Annotated

import typer

from blue_faas_cli.commands.apps import OwnAppArgument
from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session


def invoke(
    session: Session,
    app_name: OwnAppArgument = None,
    path: Annotated[
        str | None,
        typer.Argument(metavar="[PATH]", help="Path of the request, with its query; by default /.", show_default=False),
    ] = None,
    method: Annotated[str | None, typer.Option("--method", "-X", help="GET, or POST with --data.")] = None,
    data: Annotated[str | None, typer.Option("--data", "-d", help="Body; @FILE reads it from a file.")] = None,
    headers: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME: VALUE", help="A header.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds until the answer has to be there.")] = 60,
) -> None:
    """Send a request to a function, and write its answer to stdout.

    A function that has an address inside its cluster only is reached through `kubectl port-forward`, with the
    kubeconfig of kubectl. The exit code is 1 when the answer is an error. What begins with / is the path, also where
    no app is named before it.
    """
    import httpx

    from blue_faas_cli.apps import get_app
    from blue_faas_cli.plan import app_of
    from blue_faas_cli.reach import way_to

    if path is None and app_name is not None and app_name.startswith("/"):
        app_name, path = None, app_name
    app_name, path = app_of(session, app_name), path or "/"
    app = get_app(session, app_name).typed
    sent = dict(_header(text) for text in headers or [])
    with way_to(session, app) as way:
        try:
            answer = httpx.request(
                method or ("GET" if data is None else "POST"),
                f"{way.address.rstrip('/')}/{path.lstrip('/')}",
                headers={**({"host": way.host} if way.host else {}), **sent},
                content=None if data is None else _body(data),
                timeout=timeout,
                trust_env=False,
            )
        except httpx.TimeoutException:
            raise BlueError(f"{app_name} did not answer within {timeout:g} s", Exit.TIMEOUT) from None
        except httpx.HTTPError as error:
            raise BlueError(f"{app_name} does not answer: {error}", Exit.NO_ANSWER) from None
    session.output.say(f"HTTP {answer.status_code} in {answer.elapsed.total_seconds():.3f} s")
    if session.output.as_json:
        session.output.document({"status": answer.status_code, "headers": dict(answer.headers), "body": answer.text})
    else:
        sys.stdout.buffer.write(answer.content)
        if sys.stdout.isatty() and not answer.content.endswith(b"\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    if answer.is_error:
        raise typer.Exit(Exit.SOURCE)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise usage(f"--header {text}: write NAME: VALUE")
    return name.strip(), value.strip()


def _body(data: str) -> bytes:
    if not data.startswith("@"):
        return data.encode()
    try:
        with open(data[1:], "rb") as file:  # noqa: PTH123  # a name as it was typed
            return file.read()
    except OSError as error:
        raise usage(f"--data {data}: {error.strerror}") from None
