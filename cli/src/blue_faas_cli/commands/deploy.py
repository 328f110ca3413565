"""``blue deploy``: from a source to a function that answers."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session

PathArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE|FOLDER]",
        help="A .py, a .zip or a folder; by default `source` of blue.toml, or the folder that blue.toml is in.",
        show_default=False,
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait; then exit code 124.")]


def deploy(
    session: Session,
    path: PathArgument = None,
    app_name: Annotated[
        str | None, typer.Option("--app", "-a", help="Name of the app; the same name updates it. [BLUE_APP_NAME]")
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="A Spin variable; NAME=SECRET:KEY@secret reads a Secret."),
    ] = None,
    build_only: Annotated[
        bool, typer.Option("--build-only", help="Build and push the image, and deploy nothing.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the task's id and end.")] = False,
    timeout: Timeout = 900,
) -> None:
    """Build a file or folder, deploy it, and wait until it answers.

    Prints the address of the function: the one that leads there from this machine, otherwise that inside the cluster;
    with --build-only the image, with --no-wait the task.
    """
    from blue_faas_cli.apps import age
    from blue_faas_cli.deployment import Plan, built, send, serving
    from blue_faas_cli.follow import Deadline
    from blue_faas_cli.plan import name_of, options_of, source_path
    from blue_faas_cli.source import pack

    started = time.monotonic()
    output = session.output
    source = pack(source_path(session.project, path))
    name = name_of(session.project, source, app_name)
    options = None
    if not build_only:
        options = options_of(session, session.project, name, dict(map(_variable, variables or [])))
    plan = Plan(source, name, options)
    task_id, created = send(session, plan)
    if no_wait:
        output.say(f"Task {task_id}")
        output.result(task_id)
        output.document(created)
        return
    deadline = Deadline(timeout, "The build")
    task = built(session, plan, task_id, deadline)
    if options is None:
        output.say(f"Built in {age(started)}")
        output.result(task.typed.result.image_url if task.typed.result else "")
        output.document(task.raw)
        return
    deployed = serving(session, plan, task, deadline)
    output.say(f"{name} is available: revision {deployed.app.typed.revision}, {age(started)}")
    way = f"   or: curl {deployed.reachable_at}" if deployed.reachable_at else ""
    output.say(f"Call it: blue invoke {name}{way}")
    output.result(deployed.address)
    output.document(deployed.document)


def _variable(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise usage(f"--var {text}: write NAME=VALUE")
    if value.endswith("@secret"):
        secret, colon, key = value.removesuffix("@secret").partition(":")
        if not (secret and colon and key):
            raise usage(f"--var {text}: write NAME=SECRET:KEY@secret")
        return name, {"secret": secret, "key": key}
    return name, value
