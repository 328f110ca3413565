"""``blue init`` and ``blue check``: a project before anything is sent."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from blue_faas_cli.commands.deploy import PathArgument
from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session

_APP: Final = '''"""A function: Spin calls `handle_request` for each request."""

from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, b"Hello from NAME!\\n")
'''
_PROJECT: Final = """# What `blue deploy` sends, and how it deploys it: docs/cli.md of Blue FaaS.
app_name = "NAME"
SOURCE
# [deploy]
# memory_limit = "64Mi"
# variables = { greeting = "hello" }
"""
_MANIFEST: Final = """spin_manifest_version = 2

[application]
name = "NAME"
version = "0.1.0"

[[trigger.http]]
route = "/..."
component = "NAME"

[component.NAME]
source = "app.wasm"

[component.NAME.build]
command = "componentize-py -w spin-http componentize app -o app.wasm"
"""
_IGNORED: Final = "app.wasm\n__pycache__/\n.venv/\n.env\n"


def init(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the app, and of the folder that is made.")],
    folder: Annotated[
        bool, typer.Option("--folder", help="With a spin.toml: for an app of several files, sent as a .zip.")
    ] = False,
) -> None:
    """Make a folder with a function and its blue.toml."""
    from pydantic import TypeAdapter, ValidationError

    from functions.models.deploy import KubernetesAppName
    from functions.models.schema_errors import reason

    try:
        TypeAdapter(KubernetesAppName).validate_python(name)
    except ValidationError as error:
        raise usage(f"{name!r}: {reason(error.errors()[0])}") from None
    root = Path(name)
    if root.exists():
        raise usage(f"{name} exists; nothing was written")
    files = {
        "app.py": _APP,
        "blue.toml": _PROJECT.replace("SOURCE", "" if folder else 'source = "app.py"'),
        ".gitignore": _IGNORED,
        **({"spin.toml": _MANIFEST} if folder else {}),
    }
    root.mkdir()
    for file, content in files.items():
        (root / file).write_text(content.replace("NAME", name), "utf-8")
    session.output.say(f"Next: cd {name} && blue deploy")
    session.output.result(name)
    session.output.document({"app_name": name, "files": [f"{name}/{file}" for file in files]})


def check(session: Session, path: PathArgument = None) -> None:
    """Look for what would be refused, without sending anything.

    Looks at the names and sizes of files, the syntax of every .py and spin.toml, and the options of the deploy. Types
    are checked by the build, with the versions that it builds with.
    """
    from blue_faas_cli.plan import name_of, options_of, source_path
    from blue_faas_cli.source import pack

    source = pack(source_path(session.project, path))
    name = name_of(session.project, source)
    options_of(session, session.project, name)
    errors = [error for file in source.files.values() if file.suffix == ".py" for error in _syntax(file)]
    for error in errors:
        session.output.say(error)
    if errors:
        raise BlueError(f"{len(errors)} file{'s' if len(errors) > 1 else ''} cannot be read as Python", Exit.SOURCE)
    session.output.say(f"{source.file_name}: {len(source.content):,} bytes, as {name}")
    session.output.document({"file_name": source.file_name, "size": len(source.content), "app_name": name})


def _syntax(file: Path) -> Iterator[str]:
    content = file.read_bytes()
    try:
        ast.parse(content, str(file))
    except SyntaxError as error:
        yield f"{file}:{error.lineno or 1}: error: {error.msg}"
        lines = content.decode("utf-8", errors="replace").splitlines()
        if error.lineno and error.lineno <= len(lines):
            yield f"{error.lineno:>5} | {lines[error.lineno - 1].rstrip()}"
    except ValueError as error:  # a NUL byte
        yield f"{file}:1: error: {error}"
