"""cdk-nag: nothing is found that was not accepted, with a reason, where it is made."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra import nag
from infra.settings import Settings
from infra.stack import BlueFaasStack
from tests.infra.conftest import ROOT

OTHER = {
    "blue-faas.authorizer": "jwt",
    "blue-faas.jwt": {"issuer": "https://issuer.example.com", "audience": ["blue-faas"]},
    "blue-faas.alarms.email": "operators@example.com",
    "blue-faas.kubernetes.vpc": {
        "vpc_id": "vpc-0123456789abcdef0",
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_id": "sg-0123456789abcdef0",
    },
}
NOBODY_ASKED = {"blue-faas.authorizer": "none"}


def findings(folder: Path, **changed: object) -> list[str]:
    """Rule and resource of everything that the packs and the CDK itself report, warnings too."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"aws:cdk:disable-asset-staging": True} | changed
    app = cdk.App(context=context, outdir=str(folder))
    stack = BlueFaasStack(app, "BlueFaas", settings=Settings.of(app))
    nag.check(app)
    if changed.get("broken"):
        cdk.aws_sqs.Queue(stack, "Unencrypted", encryption=cdk.aws_sqs.QueueEncryption.UNENCRYPTED)
    try:
        app.synth()
    finally:
        report: dict[str, Any] = json.loads((folder / "validation-report.json").read_text())
    packs = {entry["pluginName"]: entry["violations"] for entry in report["pluginReports"]}
    assert {"AwsSolutions", "Serverless"} <= packs.keys(), "the packs have looked"
    return [
        f"{violation['ruleName']} at {where['constructPath']}"
        for violations in packs.values()
        for violation in violations
        for where in violation["violatingConstructs"]
    ]


@pytest.mark.parametrize("changed", [{}, OTHER, NOBODY_ASKED], ids=["as it is", "jwt, vpc, mail", "one machine"])
def test_nothing_is_found(tmp_path: Path, changed: dict[str, object]) -> None:
    assert findings(tmp_path, **changed) == []


def test_what_is_not_accepted_stops_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        findings(tmp_path, broken=True)
