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
    "blue-faas.kubernetes.dashboards": ["team-a", "team-b"],
    "blue-faas.kubernetes.expose": {"kind": "Ingress", "domains": ["apps.example.com"], "ingress_class": "alb"},
}
"""Each setting that decides whether something is there at all."""
ANOTHER: dict[str, object] = {
    "blue-faas.stage": "dev",
    "blue-faas.termination_protection": True,
    "blue-faas.tags": {"team": "platform"},
    "blue-faas.administrators": ["arn:aws:iam::123456789012:role/operators"],
    "blue-faas.storage.image_retention_days": 120,
    "blue-faas.kubernetes.require_signature": False,
    "blue-faas.builds.compute": "SMALL",
    "blue-faas.builds.fleet": {"base_capacity": 2, "overflow": "QUEUE"},
    "blue-faas.concurrency": "null",
}
"""Settings that change one thing each: one synthesis shows them all."""


@dataclass(frozen=True)
class Synthesis:
    """What is deployed, and what is said of it."""

    template: dict[str, Any]
    stack: dict[str, Any]
    """What the CDK deploys it with: ``tags``, ``terminationProtection``."""
    messages: list[str]
    """What the synthesis tells who runs it."""
    findings: list[str]
    """Rule and resource of everything that the packs and the CDK itself report, warnings too."""


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
    return _synthesis(json.dumps({name: new for name, new in changed.items() if new != _as_it_is(name)}))


def _as_it_is(name: str) -> object:
    """Value of a dotted name in cdk.json; of a name that it does not have, something that no setting can be."""
    value = json.loads((ROOT / "cdk.json").read_text())["context"]
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return Ellipsis
        value = value[part]
    return value


@functools.cache
def _synthesis(changed: str) -> Synthesis:
    with TemporaryDirectory() as folder:
        app, _ = stack_with(json.loads(changed), Path(folder))
        app.synth()
        template = json.loads(Path(folder, "BlueFaas.template.json").read_text())
        report = json.loads(Path(folder, "validation-report.json").read_text())
        artifacts = json.loads(Path(folder, "manifest.json").read_text())["artifacts"]
        metadata = json.loads(Path(folder, "BlueFaas.metadata.json").read_text())
    packs = {entry["pluginName"]: entry["violations"] for entry in report["pluginReports"]}
    assert {"AwsSolutions", "Serverless"} <= packs.keys(), "the packs have looked"
    findings = [
        f"{violation['ruleName']} at {where['constructPath']}"
        for violations in packs.values()
        for violation in violations
        for where in violation["violatingConstructs"]
    ]
    messages = [str(entry["data"]) for entries in metadata.values() for entry in entries if "data" in entry]
    return Synthesis(template, artifacts["BlueFaas"]["properties"], messages, findings)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template of the settings as they are."""
    return synthesis().template
