"""Command line of the stand-in: ``spin build``, ``spin registry login``, ``spin registry push``.

It has the options that builds use. Exit status: 0 done, 1 failed, 2 wrong usage. A build command's own status is not
passed on, as in the real one.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.spin_cli.terminal import SpinError, context, say, show_error

if TYPE_CHECKING:
    from local.oci.mirrors import Mirrors

VERSION: Final = "spin 3.6.3 (88d51cf stand-in)"
"""Shaped as the real one's ``spin 3.6.3 (<commit> <date>)``, and honest about what it is."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    # httpx loads its own command line, and with it rich, click and pygments, for 70 ms if they are installed. It takes
    # their absence in its stride, so in this process they are absent.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None blocks an import, see sys.modules
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SpinError as error:
        show_error(error)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    """Takes options by their whole names only, as clap does; parsers of subcommands become the same."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="spin", description="The Spin CLI (stand-in for 3.6.3)")
    parser.add_argument("--mirrors", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True)
    manifest = _Parser(add_help=False)
    manifest.add_argument("-f", "--from", dest="manifest", default="spin.toml", metavar="APP_MANIFEST_FILE")

    build = commands.add_parser("build", parents=[manifest], help="Build the Spin application")
    build.add_argument("--skip-target-checks", action="store_true")
    build.set_defaults(run=_build)

    registry = commands.add_parser("registry", help="Work with OCI registries").add_subparsers(required=True)
    login = registry.add_parser("login", help="Log in to a registry")
    login.add_argument("-u", "--username", required=True)
    login.add_argument("--password-stdin", action="store_true", required=True)
    login.add_argument("server")
    login.set_defaults(run=_login)

    push = registry.add_parser("push", parents=[manifest], help="Push a Spin application")
    push.add_argument("-k", "--insecure", action="store_true", help="Plain HTTP for the whole push")
    push.add_argument("--annotation", action="append", default=[], type=_annotation, metavar="KEY=VALUE")
    push.add_argument("reference")
    push.set_defaults(run=_push)
    return parser


def _build(options: argparse.Namespace) -> None:
    from local.spin_cli.build import build

    _check_is_file(options.manifest)
    build(options.manifest, check_targets=not options.skip_target_checks)


def _login(options: argparse.Namespace) -> None:
    from local.oci.credentials import Credentials
    from local.spin_cli.auth import login

    try:
        # To its end and untrimmed, as in the real one: a trailing newline becomes part of the password.
        password = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise SpinError("stream did not contain valid UTF-8") from None
    mirrors = _mirrors(options)
    with context("cannot log in to the registry"):
        login(options.server, Credentials(options.username, password), mirrors)
    say(f"Successfully logged in as {options.username} to registry {options.server}")


def _push(options: argparse.Namespace) -> None:
    from local.spin_cli.push import push

    _check_is_file(options.manifest)
    digest = push(
        options.manifest,
        options.reference,
        mirrors=_mirrors(options),
        insecure=options.insecure,
        annotations=dict(options.annotation),
    )
    say(f"Pushed with digest {digest}" if digest else "Pushed; the registry did not return the digest")


def _annotation(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("expected KEY=VALUE")
    return key, value


def _check_is_file(manifest: str) -> None:
    if not Path(manifest).is_file():
        raise SpinError(f"No such file '{manifest}'")


def _mirrors(options: argparse.Namespace) -> "Mirrors":
    from local.oci.mirrors import Mirrors

    try:
        return Mirrors.load(options.mirrors)
    except ValueError as error:
        raise SpinError(str(error)) from None
