"""Check ``allowed_outbound_hosts`` as a push does: `builder.source.outbound_hosts` with this command's errors."""

from collections.abc import Mapping

from local.spin_cli.terminal import SpinError


def check_hosts(hosts: list[str], defaults: Mapping[str, str | None]) -> None:
    """Check every entry; one with a ``{{ variable }}`` as far as ``defaults`` give values.

    Raises
    ------
    SpinError
        The first malformed one, in the real CLI's words.
    """
    if not hosts:
        return  # most apps: what follows takes longer to load than all that they ask of this file
    from builder.source.outbound_hosts import HostError, check
    from builder.source.templates import TemplateError

    try:
        check(hosts, defaults)
    except TemplateError as error:
        raise SpinError(str(error)) from None
    except HostError as error:
        raise _chain(error.reasons)  # noqa: B904  # its cause is the next reason


def _chain(reasons: tuple[str, ...]) -> SpinError:
    """Make an error of the reasons, with its causes, the first outermost."""
    outer, *inner = reasons
    error = SpinError(outer)
    if inner:
        error.__cause__ = _chain(tuple(inner))
    return error


def needs_service_chaining(hosts: list[str]) -> bool:
    """Whether an entry names another component of the app, ``http://other.spin.internal``."""
    if not hosts:
        return False
    from builder.source.outbound_hosts import needs_service_chaining

    return needs_service_chaining(hosts)
