"""The command: print a line for each step, and exit with status 1 if one fails."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx

from infra.settings import Settings
from infra.smoke.signing import NoIdentityError, identity
from infra.smoke.steps import STEPS, Smoke, StepFailedError

_NEED_CLUSTER: Final = ("deploy", "metrics", "rollback")
_LOOK: Final = {
    "health": "Is the URL the stack's output ApiUrl?",
    "authorizer": "Set the authorizer in cdk.json to iam or jwt, and deploy again.",
    "build": "404: an administrator has to make the workspace (docs/tenancy.md). Otherwise docs/operations.md, "
    "One task: its execution and the build's log say why.",
    "logs": "docs/operations.md, A function's log: that of the builds function.",
    "upload": "docs/operations.md, What is open: whether the task waits for the upload or for its build.",
    "deploy": "docs/cluster.md, When something is wrong.",
    "metrics": "503: with kubernetes.vpc, the function needs an endpoint for CloudWatch (docs/cluster.md).",
    "rollback": "docs/cluster.md, When something is wrong.",
    "delete": "Remove what is left by hand: tasks of the workspace, app smoke-… in the namespace.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """The result of one step."""

    state: str
    """``works``, ``fails`` or ``left out``."""
    step: str
    said: str

    def __str__(self) -> str:
        hint = f"\n    {_LOOK[self.step]}" if self.state == "fails" else ""
        return f"{self.state}: {self.step}: {self.said}{hint}"


def main(arguments: list[str] | None = None) -> int:
    """Print the results of all steps."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=__doc__)
    parser.add_argument("api", help="URL of the API: the stack's output ApiUrl")
    parser.add_argument("--namespace", default="", help="of the cluster, to deploy to; none leaves deploying out")
    parser.add_argument("--workspace", default="smoke-test", help="to build in; under jwt one of the token's")
    parser.add_argument(
        "--authorizer",
        choices=("iam", "jwt", "none"),
        default=os.environ.get("AUTHORIZER") or Settings.from_file({}).authorizer,
        help="iam signs with the caller's credentials, jwt sends TOKEN (default: AUTHORIZER, or as cdk.json says)",
    )
    parser.add_argument("--minutes", type=float, default=15, help="that one build or rollout may take")
    given = parser.parse_args(arguments)
    api = given.api.rstrip("/")
    try:
        auth = identity(given.authorizer, api)
    except NoIdentityError as error:
        print(error)  # noqa: T201  # the command's answer
        return 1
    with httpx.Client(base_url=api, auth=auth, timeout=40) as client:
        smoke = Smoke(client, given.workspace, given.namespace or None, given.minutes * 60)
        failed = False
        for line in run(smoke, authorizer=given.authorizer):
            print(line, flush=True)  # noqa: T201  # the command's answer
            failed = failed or line.state == "fails"
    return 1 if failed else 0


def run(smoke: Smoke, *, authorizer: str) -> Iterator[Line]:
    """Run every step, also after a failed one; without an answer of the API, none but the first."""
    health = _line("health", smoke)
    yield health
    if health.state == "fails":
        return
    if authorizer == "none":
        yield Line("left out", "authorizer", "there is none: everybody may call")
    else:
        yield _line("authorizer", smoke)
    reason = _no_deployments(smoke)
    for step in STEPS:
        if step in _NEED_CLUSTER and reason is not None:
            yield Line("left out", step, reason)
        else:
            yield _line(step, smoke)


def _no_deployments(smoke: Smoke) -> str | None:
    try:
        if not smoke.has_cluster():
            return "this installation has no cluster"
    except (StepFailedError, httpx.HTTPError, ValueError):
        pass  # the steps themselves will tell
    return None if smoke.namespace else "no namespace was given (NAMESPACE=…)"


def _line(step: str, smoke: Smoke) -> Line:
    started = time.monotonic()
    try:
        said = getattr(smoke, step)()
    except StepFailedError as error:
        return Line("fails", step, str(error))
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return Line("fails", step, f"{type(error).__name__}: {error}")
    return Line("works", step, f"{said} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    sys.exit(main())
