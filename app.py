"""Entry point of the CDK app: `cdk synth`, `cdk deploy`. Settings: cdk.json, read by infra/settings.py."""

import aws_cdk as cdk

from infra import nag
from infra.settings import Settings
from infra.stack import BlueFaasStack

app = cdk.App()
settings = Settings.of(app)
BlueFaasStack(app, settings.stack_name, settings=settings)
nag.check(app)
app.synth()
