"""Settings of tenancy, for every function that has to know whose something is, or has callers who wait."""

from typing import Literal, Self

from pydantic import model_validator

from functions.contracts.settings import EnvironmentSettings

Tenancy = Literal["policy", "open"]


class TenancySettings(EnvironmentSettings):
    """Whether workspaces are kept apart, and where it is written down how."""

    tenancy: Tenancy
    """policy: by the policy table. open: every caller may use every workspace."""
    policy_table: str = ""
    """DynamoDB table of the policy; empty where it is not asked."""
    jwt_workspaces_claim: str = ""
    """Claim of a token that lists workspaces of the caller; empty without tokens."""

    @model_validator(mode="after")
    def _has_its_table(self) -> Self:
        if self.tenancy == "policy" and not self.policy_table:
            raise ValueError("POLICY_TABLE is needed with TENANCY policy")
        return self


class WaitingSettings(EnvironmentSettings):
    """How many callers a function of the API holds back at once (`functions.tasks.waiting`)."""

    task_table: str
    """DynamoDB table of the build tasks: those who wait are counted in it."""
    limits_waiting_requests: int
    """Of one workspace."""
    limits_all_waiting_requests: int
    """Of all workspaces together."""
