"""The stack: the service, and its outputs."""

import aws_cdk as cdk
from constructs import Construct

from infra.construct import BlueFaas
from infra.settings import Settings


class BlueFaasStack(cdk.Stack):
    """The service in a stack of its own, labelled and protected as the settings say."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Blue FaaS: a Python file in, a running function out",
            termination_protection=settings.termination_protection,
            tags={"service": "blue-faas", "stage": settings.stage, **settings.tags},
        )
        # The CDK leaves this id out of logical ids.
        self.service = BlueFaas(self, "Default", settings=settings)
        self.service.export()
