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
_LEAST_BUILDS: Final = 2
_WITHOUT_WAITING: Final = 4
"""Executions beside those of callers who wait, with which the service can be tried."""
_SMALL: Final = (
    "-c blue-faas.concurrency=null -c blue-faas.limits.waiting_requests=2 -c blue-faas.limits.all_waiting_requests=3"
)
"""Settings for an account with ten executions."""


def codebuild(session: boto3.Session, settings: Settings) -> Iterator[Finding]:
    """Check how many builds of the compute type may run at once, and whether there are as many as build slots."""
    builds = settings.builds
    subject = f"CodeBuild quota Linux/{_NAMES[builds.compute]}"
    wanted = f"Concurrently running builds for Linux/{_NAMES[builds.compute]} environment"
    pages = session.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="codebuild")
    values = [quota["Value"] for page in pages for quota in page["Quotas"] if quota["QuotaName"] == wanted]
    if not values:
        yield not_asked(subject, "Service Quotas lists no such quota", "Look at Service Quotas > AWS CodeBuild.")
        return
    seen = f"{values[0]:g} builds at once"
    if values[0] < _LEAST_BUILDS:
        remedy = f"Ask for 10 at Service Quotas > AWS CodeBuild > {wanted}: builds wait for a place."
        yield problem(subject, seen, remedy)
    else:
        yield ok(subject, f"{seen} (new accounts may have less than is shown here: the first build tells)")
        yield _build_slots(builds.concurrency, int(values[0]), wanted)


def _build_slots(slots: int, places: int, quota: str) -> Finding:
    """Say whether each build slot has its place: what has none waits in CodeBuild's queue, in no fair order."""
    seen = f"builds.concurrency {slots}, {places} places"
    if slots > places:
        remedy = (
            f"-c blue-faas.builds.concurrency={places}, or ask for {slots} at Service Quotas > AWS CodeBuild > "
            f"{quota}: until then one workspace can make the others wait."
        )
        return problem("Build slots", seen, remedy)
    return ok("Build slots", seen)


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
