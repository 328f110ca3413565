"""How a build can end other than well. Raised anywhere in the flow, turned into the report by `builder.command`."""

from collections.abc import Sequence

from functions.contracts.build_result import Finding


class BuildError(Exception):
    """The build failed for a reason the uploader can act on.

    The text is shown to them as it is: what happened, where, what to do next. Never a stack trace, never a secret.
    """


class PlatformError(BuildError):
    """The build failed for a reason that only the operator can act on; the text is for the uploader all the same."""


class TypeCheckFailedError(BuildError):
    """The app has type errors: the text, and the findings in it as data."""

    def __init__(self, text: str, findings: Sequence[Finding]) -> None:
        super().__init__(text)
        self.findings = tuple(findings)


class TaskEndedError(Exception):
    """The task ended while its build was on the way (cancelled, timed out): stop without a word, nobody waits."""


class StoppedError(Exception):
    """A sandboxed step was stopped because the build's outcome is already known."""
