"""Settings of the build API."""

from typing import Literal

from pydantic import Json

from functions.tasks.settings import SubmissionSettings


class BuildApiSettings(SubmissionSettings):
    """Makes tasks, shows and deletes them."""

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
    deploys: bool
    """Whether this installation has a cluster to deploy to."""
    authorizer: Literal["iam", "jwt", "none"]
    jwt_workspaces_claim: str = ""
    """Claim of a token that lists the caller's workspaces."""
