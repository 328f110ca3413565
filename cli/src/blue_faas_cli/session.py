"""What every command has: its settings, its output, the API."""

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blue_faas_cli.config import Project, Settings, read_project, resolve
from blue_faas_cli.console import Output
from blue_faas_cli.problems import BlueError, Exit

if TYPE_CHECKING:
    from blue_faas_cli.api import Api


class Format(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


def _option(*names: str, help: str, variable: str) -> Any:  # noqa: A002  # typer's word
    return typer.Option(*names, help=f"{help} [BLUE_{variable}]", rich_help_panel="Where, and as whom")


@dataclass(frozen=True, kw_only=True)
class Flags:
    """The options that every command takes."""

    output: Annotated[Format | None, typer.Option("--output", "-o", help="How results are written. [BLUE_OUTPUT]")] = (
        None
    )
    context: Annotated[
        str | None, _option("--context", help="Which of the contexts that `blue login` made.", variable="CONTEXT")
    ] = None
    url: Annotated[str | None, _option("--url", help="Address of the API.", variable="URL")] = None
    workspace_id: Annotated[
        str | None, _option("--workspace", "-w", help="Workspace of the tasks.", variable="WORKSPACE")
    ] = None
    namespace: Annotated[
        str | None, _option("--namespace", "-n", help="Kubernetes namespace of the apps.", variable="NAMESPACE")
    ] = None
    authorizer: Annotated[
        str | None,
        _option("--authorizer", help="How the API asks who calls: iam, jwt or none.", variable="AUTHORIZER"),
    ] = None
    profile: Annotated[
        str | None, _option("--profile", help="AWS profile whose credentials sign requests.", variable="PROFILE")
    ] = None
    region: Annotated[str | None, _option("--region", help="AWS region of the API.", variable="REGION")] = None


class Session:
    """One run of a command."""

    def __init__(self, flags: Flags, output: Output) -> None:
        self.flags = flags
        self.output = output

    @functools.cached_property
    def project(self) -> Project:
        """The project that the command was run in."""
        return read_project(Path.cwd())

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, each from the first place that has it."""
        given = dataclasses.asdict(self.flags)
        return resolve(given, blue_variables(), self.project)

    @functools.cached_property
    def api(self) -> "Api":
        """The API, called as the settings say."""
        from blue_faas_cli.api import Api

        return Api(self.settings)


def blue_variables() -> dict[str, str]:
    """Return the variables of the environment that are settings."""
    return {name: value for name, value in os.environ.items() if name.startswith("BLUE_")}


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Flags`, and their `Session` as its first argument.

    What goes wrong is said on stderr, and becomes the exit code.
    """
    signature = inspect.signature(function, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "session"]
    common = inspect.signature(Flags, eval_str=True).parameters

    @functools.wraps(function)
    def run(**given: Any) -> None:
        flags = Flags(**{name: given.pop(name) for name in common})
        wanted = flags.output or os.environ.get("BLUE_OUTPUT", "")
        output = Output(as_json=wanted == Format.JSON)
        try:
            function(Session(flags, output), **given)
        except BlueError as error:
            output.error(str(error))
            output.document(error.answer)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            output.say("Stopped")
            raise typer.Exit(Exit.INTERRUPTED) from None

    run.__signature__ = inspect.Signature([*own, *common.values()])  # type: ignore[attr-defined]  # read by inspect
    return run
