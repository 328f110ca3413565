"""The command: print a line for each finding, and exit with status 1 if there is a problem."""

import argparse
import functools
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pydantic

from infra.preflight import account, cluster, machine, names, quotas, tenancy
from infra.preflight.findings import Check, Finding, State, ok, problem, run
from infra.settings import AuthorizerError, Settings


def main(arguments: list[str] | None = None) -> int:
    """Print the findings of all checks."""
    parser = argparse.ArgumentParser(prog="python -m infra.preflight", description=__doc__)
    parser.add_argument(
        "-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="as for cdk deploy: one setting"
    )
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_file(dict(pair.partition("=")[::2] for pair in given.context))
    except (AuthorizerError, pydantic.ValidationError) as error:
        print(f"{State.PROBLEM}: cdk.json: {error}")  # noqa: T201  # the command's answer
        return 1
    # The CDK reads AWS_REGION, boto3 AWS_DEFAULT_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    states = []
    for finding in look(settings, session):
        print(finding, flush=True)  # noqa: T201  # the command's answer
        states.append(finding.state)
    return 1 if State.PROBLEM in states else 0


def look(settings: Settings, session: boto3.Session) -> Iterator[Finding]:
    """Run every check, in the order in which a deploy would meet the problems."""
    yield from run("Node.js", machine.node)
    yield from run("docker", machine.docker)
    yield from run("administrators", functools.partial(tenancy.administrators, settings))
    if session.region_name is None:
        yield problem("region", "none is set", "Set AWS_REGION, or AWS_PROFILE to a profile that has one.")
        return
    identity: list[Mapping[str, Any]] = []

    def who() -> Iterator[Finding]:
        answer = session.client("sts").get_caller_identity()
        identity.append(answer)
        yield ok("credentials", f"{answer['Arn']}, region {session.region_name}")

    yield from run("credentials", who)
    if not identity:
        return
    for subject, check in _checks(settings, session, identity[0]).items():
        yield from run(subject, check)


def _checks(settings: Settings, session: boto3.Session, identity: Mapping[str, Any]) -> dict[str, Check]:
    bind = functools.partial
    checks: dict[str, Check] = {
        "CDK bootstrap": bind(account.bootstrap, session, identity["Account"]),
        "permissions to deploy": bind(account.operator, session, identity),
        "CloudFormation's permissions": bind(account.cloudformation, session, identity),
        f"stack {settings.stack_name}": bind(names.stack, session, settings.stack_name),
        "names": bind(names.taken, session, settings),
        "CodeBuild quota": bind(quotas.codebuild, session, settings),
        "Lambda quota": bind(quotas.functions, session, settings),
    }
    if settings.kubernetes is not None:
        checks[f"EKS cluster {settings.kubernetes.cluster_name}"] = bind(cluster.eks, session, settings.kubernetes)
        checks["SpinKube"] = bind(cluster.spinkube, session, settings.kubernetes)
    return checks


if __name__ == "__main__":
    sys.exit(main())
