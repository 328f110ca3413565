"""Checks of quotas that are low in new accounts: concurrent builds and concurrent functions."""

from collections.abc import Iterator
from typing import Any, Final

import boto3

from infra.preflight.findings import Finding, not_asked, ok, problem
from infra.settings import Settings

_NAMES: Final = {"SMALL": "Small", "MEDIUM": "Medium", "LARGE": "Large", "X2_LARGE": "2XLarge"}
_UNRESERVED: Final = 100
"""Executions that Lambda keeps for functions that reserve none.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""
_WITHOUT_WAITING: Final = 4
"""Executions beside those of callers who wait, with which the service can be tried."""
_SMALL: Final = (
    "-c blue-faas.concurrency=null -c blue-faas.limits.waiting_requests=2 -c blue-faas.limits.all_waiting_requests=3"
)
"""Settings for an account with ten executions."""


def codebuild(session: boto3.Session, settings: Settings) -> Iterator[Finding]:
    """Check how many builds of the compute type may run at once, and how many of them one workspace may take."""
    builds = settings.builds
    subject = f"CodeBuild quota Linux/{_NAMES[builds.compute]}"
    wanted = f"Concurrently running builds for Linux/{_NAMES[builds.compute]} environment"
    pages = session.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="codebuild")
    values = [quota["Value"] for page in pages for quota in page["Quotas"] if quota["QuotaName"] == wanted]
    if not values:
        yield not_asked(subject, "Service Quotas lists no such quota", "Look at Service Quotas > AWS CodeBuild.")
        return
    least = builds.concurrency or 2
    seen = f"{values[0]:g} builds at once"
    if values[0] < least:
        remedy = f"Ask for {max(least, 10)} at Service Quotas > AWS CodeBuild > {wanted}: builds wait for a place."
        yield problem(subject, seen, remedy)
    else:
        yield ok(subject, f"{seen} (new accounts may have less than is shown here: the first build tells)")
        yield _fairness(settings.limits.running_builds, int(min(values[0], builds.concurrency or values[0])))


def _fairness(one_workspace: int, places: int) -> Finding:
    """Say whether one workspace can make the others wait, as docs/scale.md has it; alone, nobody is there to wait."""
    seen = f"limits.running_builds {one_workspace}, {places} places"
    if one_workspace > places // 2:
        return ok("Fair shares", f"{seen}: with several teams, set half of the places or less, or one makes all wait")
    return ok("Fair shares", seen)


def functions(session: boto3.Session, settings: Settings) -> Iterator[Finding]:
    """Check how many Lambda functions may run at once in the account and region, against what the stack reserves."""
    subject = "Lambda quota"
    limit: Any = session.client("lambda").get_account_settings()["AccountLimit"]
    total, free = int(limit["ConcurrentExecutions"]), int(limit["UnreservedConcurrentExecutions"])
    seen = f"{total} concurrent executions, of which functions have reserved {total - free}"
    more = "Ask for 1000 at Service Quotas > AWS Lambda > Concurrent executions"
    if settings.concurrency is None:
        waiting = 2 * settings.limits.all_waiting_requests
        if free < waiting + _WITHOUT_WAITING:
            yield problem(
                subject, f"{seen}; {waiting} callers who wait take them all", f"{more}, or lower them: {_SMALL}"
            )
        else:
            yield ok(subject, f"{seen}; the stack reserves none: a busy function can keep the others waiting")
        return
    wanted = settings.concurrency.total
    # An update of the stack finds its own reservations among those that are there.
    if free - wanted < _UNRESERVED and total - free < wanted:
        seen = f"{seen}; the stack reserves {wanted}, and Lambda keeps {_UNRESERVED} that nobody may reserve"
        yield problem(subject, seen, f"{more}. To try the service until you have them, reserve none: {_SMALL}")
    else:
        yield ok(subject, seen)
