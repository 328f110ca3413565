"""What `cdk deploy` would send, and what cdk-nag finds in it: synthesized once for each set of settings."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aws_cdk as cdk
import pytest

from infra import nag
from infra.settings import Settings
from infra.stack import BlueFaasStack

ROOT = Path(__file__).resolve().parent.parent.parent

OTHER = {
    "blue-faas.authorizer": "jwt",
    "blue-faas.jwt": {
        "issuer": "https://issuer.example.com",
        "audience": ["blue-faas"],
        "workspaces_claim": "cognito:groups",
    },
    "blue-faas.ui": {
        "sign_in": {
            "client_id": "page",
            "authorization_endpoint": "https://login.example.com/oauth2/authorize",
            "token_endpoint": "https://login.example.com/oauth2/token",
            "scopes": ["openid", "blue-faas/use"],
        }
    },
    "blue-faas.alarms.email": "operators@example.com",
    "blue-faas.kubernetes.vpc": {
        "vpc_id": "vpc-0123456789abcdef0",
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_id": "sg-0123456789abcdef0",
    },
    "blue-faas.kubernetes.expose": {"kind": "Ingress", "domains": ["apps.example.com"], "ingress_class": "alb"},
}
"""Each setting that decides whether something is there at all."""


@dataclass(frozen=True)
class Synthesis:
    """A template, and rule and resource of everything that the packs and the CDK itself report, warnings too."""

    template: dict[str, Any]
    findings: list[str]


def stack_with(settings: dict[str, object], folder: Path) -> tuple[cdk.App, BlueFaasStack]:
    """The app as app.py makes it, with ``blue-faas.<path>`` settings changed."""
    context = (
        json.loads((ROOT / "cdk.json").read_text())["context"] | {"aws:cdk:disable-asset-staging": True} | settings
    )
    app = cdk.App(context=context, outdir=str(folder))
    stack = BlueFaasStack(app, "BlueFaas", settings=Settings.of(app))
    nag.check(app)
    return app, stack


def synthesis(**changed: object) -> Synthesis:
    """Synthesize with changed settings, or remember having done so; one that is as it was is no change."""
    as_it_is = json.loads((ROOT / "cdk.json").read_text())["context"]["blue-faas"]
    really = {name: new for name, new in changed.items() if new != as_it_is.get(name.removeprefix("blue-faas."))}
    return _synthesis(json.dumps(really))


@functools.cache
def _synthesis(changed: str) -> Synthesis:
    with TemporaryDirectory() as folder:
        app, _ = stack_with(json.loads(changed), Path(folder))
        app.synth()
        template = json.loads(Path(folder, "BlueFaas.template.json").read_text())
        report = json.loads(Path(folder, "validation-report.json").read_text())
    packs = {entry["pluginName"]: entry["violations"] for entry in report["pluginReports"]}
    assert {"AwsSolutions", "Serverless"} <= packs.keys(), "the packs have looked"
    findings = [
        f"{violation['ruleName']} at {where['constructPath']}"
        for violations in packs.values()
        for violation in violations
        for where in violation["violatingConstructs"]
    ]
    return Synthesis(template, findings)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template of the settings as they are."""
    return synthesis().template
