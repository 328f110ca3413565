"""``blue completion``: what makes a shell complete commands and options."""

from enum import StrEnum
from typing import Annotated

import typer

from blue_faas_cli.session import Session


class Shell(StrEnum):
    """Shells that can be completed for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    session: Session, shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell.")]
) -> None:
    """Print the script that makes a shell complete `blue`.

    For bash: `eval "$(blue completion bash)"` in ~/.bashrc.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # not listed as exported

    script = get_completion_script(prog_name="blue", complete_var="_BLUE_COMPLETE", shell=shell)
    session.output.result(script)
    session.output.document({"shell": shell, "script": script})
