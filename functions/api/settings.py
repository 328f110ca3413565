"""Settings of the build API."""

from pydantic import Json

from functions.api.description import Authorizer
from functions.models.page import PageConfig
from functions.tasks.settings import SlotSettings, SubmissionSettings
from functions.tenancy.settings import TenancySettings, WaitingSettings


class BuildApiSettings(SubmissionSettings, SlotSettings, WaitingSettings, TenancySettings):
    """Makes tasks, shows and deletes them; lets administrators write the policy."""

    credentials_key_id: str
    """KMS key that registry passwords are sealed with."""
    registry_allow_list: Json[tuple[str, ...]]
    """Patterns for `re.fullmatch` against ``host/repository``, as a JSON array."""
    limits_request_bytes: int
    """Body of one request."""
    limits_upload_bytes: int
    """File of one presigned upload."""
    limits_upload_minutes: int
    """How long a presigned upload may wait to begin."""
    build_log_group: str
    deploy_function: str = ""
    """ARN of the function that deploys; empty where this installation has no cluster to deploy to."""
    authorizer: Authorizer
    """How the API asks who calls."""
    administrators: Json[tuple[str, ...]]
    """Principals (`functions.models.principals`) that may write the policy, as a JSON array."""
    page: Json[PageConfig | None] = None
    """What the page at ``/ui`` is told, as a JSON object; null where the page is not served."""

    @property
    def deploys(self) -> bool:
        """Whether this installation has a cluster to deploy to."""
        return bool(self.deploy_function)


class IngestSettings(SubmissionSettings, TenancySettings):
    """Makes tasks of what is dropped into the bucket."""
