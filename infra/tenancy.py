"""Which workspaces there are, who belongs to them, and which functions may read and write that."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from functions.tenancy.table_keys import PARTITION, WORKSPACE_ID
from infra.settings import Settings
from infra.storage import REMOVAL

_WITHOUT_ADMINISTRATORS: Final = (
    "tenancy is 'policy' and no administrator is named: nobody can make a workspace, and every call but /health is "
    "answered 404. Name a role in cdk.json (blue-faas.administrators, for example arn:aws:iam::ACCOUNT:role/NAME), or "
    "let every caller use every workspace: -c blue-faas.tenancy=open"
)


class Tenancy(Construct):
    """The policy table, apart from the task table: a build's role can write rows there, and none here."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.table = dynamodb.Table(
            self,
            "Policies",
            partition_key=dynamodb.Attribute(name=PARTITION, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=WORKSPACE_ID, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=REMOVAL[settings.stage],
        )
        if settings.tenancy == "policy" and not settings.administrators:
            cdk.Annotations.of(self).add_info(_WITHOUT_ADMINISTRATORS)

    def environment(self) -> dict[str, str]:
        """Environment variables that `functions.tenancy.settings.TenancySettings` reads."""
        claim = ("jwt.workspaces_claim",) if self._settings.jwt is not None else ()
        return {"POLICY_TABLE": self.table.table_name, **self._settings.variables("tenancy", *claim)}

    def grant_lookup(self, function: iam.IGrantable) -> None:
        """Let a function look a workspace up; where tenancy is open none does."""
        self._grant(function, "dynamodb:GetItem")

    def grant_membership(self, function: iam.IGrantable) -> None:
        """Let a function find all workspaces of a caller; where tenancy is open none does."""
        self._grant(function, "dynamodb:GetItem", "dynamodb:Query")

    def grant_administration(self, function: iam.IGrantable) -> None:
        """Let a function write the policy for administrators, also before tenancy goes from open to policy."""
        if self._settings.tenancy == "policy" or self._settings.administrators:
            self._allow(function, "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem")

    def _grant(self, function: iam.IGrantable, *actions: str) -> None:
        if self._settings.tenancy == "policy":
            self._allow(function, *actions)

    def _allow(self, function: iam.IGrantable, *actions: str) -> None:
        iam.Grant.add_to_principal(grantee=function, actions=list(actions), resource_arns=[self.table.table_arn])
