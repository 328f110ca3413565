"""The template that `cdk deploy` would send, synthesized once a session with the settings of cdk.json."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from infra.settings import Settings
from infra.stack import BlueFaasStack

ROOT = Path(__file__).resolve().parent.parent.parent


def synthesize(**changed: object) -> dict[str, Any]:
    """The template as JSON, with ``blue-faas.<path>`` settings changed."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"aws:cdk:disable-asset-staging": True} | changed
    app = cdk.App(context=context)
    template = assertions.Template.from_stack(BlueFaasStack(app, "BlueFaas", settings=Settings.of(app))).to_json()
    return dict(template)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template of the settings as they are."""
    return synthesize()
