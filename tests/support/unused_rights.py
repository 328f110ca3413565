"""``python -m tests.support.unused_rights FILE``: what the template grants and no test has used.

Clouds that run with ``BLUE_FAAS_DECISIONS=FILE`` in their environment append to FILE (`local.aws.iam.decisions`):

    BLUE_FAAS_DECISIONS=/tmp/decisions make tests/e2e tests/chaos/never_lost tests/security/service
    .venv/bin/python -m tests.support.unused_rights /tmp/decisions

Exit code 1 when there is something to report: `make test` ends with it. What no cloud on this machine can use is left
out: see `UNSEEN`.
"""

import argparse
import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Json = Mapping[str, Any]
Right = tuple[str, str, str]
"""Role (logical id), action, pattern of resources."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rights whose use cannot be seen on this machine; ``action`` and ``resource`` are regular expressions."""

    action: str
    why: str
    resource: str = ".*"

    def covers(self, right: Right) -> bool:
        """Whether this is one of them."""
        _, action, resource = right
        return bool(re.fullmatch(self.action, action) and re.fullmatch(self.resource, resource))


UNSEEN: Final = (
    Unseen("xray:.*", "the X-Ray daemon's calls; there is none here"),
    Unseen("sqs:.*", "Lambda's own calls, for events that a function failed to take"),
    Unseen("logs:(CreateLogGroup|CreateLogStream|PutLogEvents)", "the services' own calls"),
    Unseen("logs:.*(LogDeliver|ResourcePolic|DescribeLogGroups).*", "asked when the state machine is made"),
    Unseen("codebuild:BatchGetReports", "Step Functions asks for the set that AWS documents for .sync"),
    Unseen(
        "ecr:(BatchCheckLayerAvailability|BatchGetImage|GetDownloadUrlForLayer)",
        "CodeBuild pulls the builder image with the build role; the builder here runs without an image",
        resource=".*:repository/cdk-.*-container-assets-.*",
    ),
)
"""What services of AWS do by themselves, and nothing on this machine does for them."""


def granted(template: Json) -> Iterator[Right]:
    """Every action and resource of every Allow statement of the template's roles; what is resolved later is ``*``."""
    policies = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    for policy in policies:
        allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
        for role, statement in itertools.product(policy["Roles"], allowed):
            for action, about in itertools.product(_listed(statement["Action"]), _listed(statement["Resource"])):
                yield role["Ref"], action, _pattern(about)


def unused(rights: Iterator[Right], decisions: Sequence[Sequence[str]], stack: str) -> list[Right]:
    """Return the rights that none of ``decisions`` needed."""
    return sorted({right for right in rights if not _is_seen(right, decisions, stack)})


def _is_seen(right: Right, decisions: Sequence[Sequence[str]], stack: str) -> bool:
    role, action, resource = right
    if any(unseen.covers(right) for unseen in UNSEEN):
        return True
    return any(
        _is_role(name, stack, role) and _matches(action, used) and _matches(resource, about)
        for name, used, about in decisions
    )


def _is_role(name: str, stack: str, logical_id: str) -> bool:
    """Whether CloudFormation gives this name to the role: stack, logical id, a suffix, 64 characters at most."""
    begin = f"{stack}-{logical_id}"
    return name.startswith(f"{begin}-") or (len(name) == 64 and begin.startswith(name[:50]))


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pattern(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return re.sub(r"\*+", "*", separator.join(map(_pattern, parts)))
    if "Fn::Sub" in value:
        return re.sub(r"\$\{[^}]*\}", "*", str(value["Fn::Sub"]))
    return "*"


def main() -> None:
    """Report."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.unused_rights", description=__doc__)
    parser.add_argument("decisions", type=Path, help="file that clouds appended to")
    parser.add_argument("--template", type=Path, help="by default that of `AUTHORIZER=iam TENANCY=policy make local`")
    parser.add_argument("--stack", default="BlueFaas", help="name of the stack")
    given = parser.parse_args()
    if not given.decisions.is_file():
        parser.error(f"{given.decisions} does not exist: run clouds with BLUE_FAAS_DECISIONS={given.decisions} first")
    template = given.template
    if template is None:
        from local.cloud.assembly import assembly, wants_cluster

        # As on AWS: where tenancy is open, the functions may not read the policy.
        made = assembly(cluster=wants_cluster(), authorizer="iam", tenancy="policy")
        template = made / f"{given.stack}.template.json"
    decisions = [json.loads(line) for line in given.decisions.read_text().splitlines()]
    found = unused(granted(json.loads(template.read_text())), decisions, given.stack)
    for role, action, resource in found:
        print(f"{role}: {action} on {resource}")  # noqa: T201  (a command)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
