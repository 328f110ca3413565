"""Command line of the stand-in: arguments of ``spin build`` and ``spin registry``, and clap 3's words for wrong ones.

Exit status: 0 done, 1 failed, 2 wrong usage. A build command's own status is not passed on, as in the real one.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

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
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
    except SpinError as error:
        sys.stdout.flush()
        show_error(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    """argparse with clap's words for errors."""

    def error(self, message: str) -> NoReturn:
        usage = self.format_usage().removeprefix("usage: ").strip()
        text = f"error: {_in_clap_words(message)}\n\nUSAGE:\n    {usage}\n\nFor more information try --help\n"
        self.exit(2, text)


def _in_clap_words(message: str) -> str:
    kind, _, rest = message.partition(": ")
    if kind == "unrecognized arguments":
        return f"Found argument '{rest.split()[0]}' which wasn't expected, or isn't valid in this context"
    if kind == "the following arguments are required":
        names = "\n".join(f"    {name}" for name in rest.split(", "))
        return f"The following required arguments were not provided:\n{names}"
    if "not allowed with argument" in message:
        first, _, second = message.removeprefix("argument ").partition(": not allowed with argument ")
        return f"The argument '{first}' cannot be used with '{second}'"
    if "expected one argument" in message:
        name = kind.removeprefix("argument ").split("/")[-1]
        return f"The argument '{name}' requires a value but none was supplied"
    return message


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="spin", allow_abbrev=False, description="The Spin CLI (stand-in for 3.6.3)")
    parser.add_argument("--mirrors", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("-V", "--version", action="version", version=VERSION, help="Print version information")
    commands = parser.add_subparsers(metavar="<SUBCOMMAND>", required=True, parser_class=_Parser)
    _add_build(commands)
    registry = commands.add_parser(
        "registry", aliases=["oci"], prog="spin registry", allow_abbrev=False, help="Work with OCI registries"
    )
    registry_commands = registry.add_subparsers(metavar="<SUBCOMMAND>", required=True, parser_class=_Parser)
    _add_login(registry_commands)
    _add_push(registry_commands)
    return parser


def _add_build(commands: "argparse._SubParsersAction[_Parser]") -> None:
    build = commands.add_parser(
        "build", aliases=["b"], prog="spin build", allow_abbrev=False, help="Build the Spin application"
    )
    build.add_argument("-f", "--from", "--file", dest="source", metavar="<APP_MANIFEST_FILE>")
    build.add_argument(
        "-c", "--component-id", dest="component_ids", action="append", default=[], metavar="<COMPONENT_ID>"
    )
    build.add_argument("--skip-target-checks", "--skip-target-check", action="store_true")
    build.add_argument("-u", "--up", nargs=argparse.REMAINDER, default=None, metavar="<UP_ARGS>")
    build.set_defaults(run=_build)


def _add_login(commands: "argparse._SubParsersAction[_Parser]") -> None:
    login = commands.add_parser("login", prog="spin registry login", allow_abbrev=False, help="Log in to a registry")
    login.add_argument("-u", "--username", metavar="<USERNAME>")
    secret = login.add_mutually_exclusive_group()
    secret.add_argument("-p", "--password", metavar="<PASSWORD>")
    secret.add_argument("--password-stdin", action="store_true")
    login.add_argument("server", metavar="<SERVER>")
    login.set_defaults(run=_login)


def _add_push(commands: "argparse._SubParsersAction[_Parser]") -> None:
    push = commands.add_parser("push", prog="spin registry push", allow_abbrev=False, help="Push a Spin application")
    push.add_argument("-f", "--from", "--file", dest="source", metavar="<APP_MANIFEST_FILE>")
    push.add_argument("-k", "--insecure", action="store_true", help="Plain HTTP for the whole push")
    push.add_argument("--compose", action="store_true", default=True)
    push.add_argument("--build", action="store_true", default=bool(os.environ.get("SPIN_ALWAYS_BUILD")))
    push.add_argument("--cache-dir", metavar="<CACHE_DIR>")
    push.add_argument(
        "--annotation", dest="annotations", action="append", type=_key_value, default=[], metavar="<ANNOTATIONS>"
    )
    push.add_argument("reference", metavar="<REFERENCE>")
    push.set_defaults(run=_push)


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("Key/Value must be of the form `key=value`")
    return key, value


def _build(options: argparse.Namespace) -> None:
    from local.spin_cli.build import build
    from local.spin_cli.lookup import find_manifest

    if options.up is not None:
        raise SpinError("`spin up` is not part of this stand-in for Spin 3.6.3: build without --up")
    build(find_manifest(options.source), options.component_ids, check_targets=not options.skip_target_checks)


def _login(options: argparse.Namespace) -> None:
    from local.oci.credentials import Credentials
    from local.spin_cli.auth import login

    username = options.username or _prompt("Username: ")
    if options.password_stdin:
        password = _stdin_text()
    else:
        password = options.password if options.password is not None else _prompt("Password: ", hidden=True)
    mirrors = _mirrors(options)
    with context("cannot log in to the registry"):
        login(options.server, Credentials(username, password), mirrors)
    say(f"Successfully logged in as {username} to registry {options.server}")


def _push(options: argparse.Namespace) -> None:
    from local.spin_cli.build import build
    from local.spin_cli.lookup import find_manifest
    from local.spin_cli.push import push

    manifest_path = find_manifest(options.source)
    if options.build:
        build(manifest_path, [], check_targets=True)
    digest = push(
        manifest_path,
        options.reference,
        mirrors=_mirrors(options),
        annotations=dict(options.annotations),
        insecure=options.insecure,
    )
    say(f"Pushed with digest {digest}" if digest else "Pushed; the registry did not return the digest")


def _mirrors(options: argparse.Namespace) -> "Mirrors":
    from local.oci.mirrors import Mirrors

    try:
        return Mirrors.load(options.mirrors)
    except ValueError as error:
        raise SpinError(str(error)) from None


def _stdin_text() -> str:
    """Standard input to its end, untrimmed as in the real one: a trailing newline becomes part of the password."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise SpinError("stream did not contain valid UTF-8") from None


def _prompt(question: str, *, hidden: bool = False) -> str:
    """Ask on the terminal until something is answered."""
    if not sys.stdin.isatty():
        raise SpinError("IO error: not a terminal")
    if hidden:
        from getpass import getpass

        return getpass(question)
    while not (answer := input(question).strip()):
        pass
    return answer
