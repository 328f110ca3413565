"""Workspaces: whether anybody can make one."""

from collections.abc import Iterator

from infra.preflight.findings import Finding, ok, problem
from infra.settings import Settings


def administrators(settings: Settings) -> Iterator[Finding]:
    """Check that somebody is named who makes workspaces, where callers are held to them."""
    subject = "administrators"
    if settings.tenancy == "open":
        yield ok(subject, "none are needed: tenancy is open, every caller may use every workspace")
    elif settings.administrators:
        yield ok(subject, ", ".join(settings.administrators))
    else:
        remedy = (
            "Set blue-faas.administrators in cdk.json, for example to your own role: arn:aws:iam::ACCOUNT:role/NAME."
        )
        yield problem(subject, "nobody may make a workspace: every call but /health would be 404", remedy)
