"""Settings of the build functions, handed over by the stack as environment variables."""

import functools
import json
import os
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Environment(BaseModel):
    """Typed view of the environment; a missing variable fails at the first use, by name."""

    model_config = ConfigDict(frozen=True)

    task_table: str
    code_bucket: str
    state_machine_arn: str = ""
    event_bus_name: str = ""
    """Where ends of tasks are announced (`functions.tasks.events`)."""
    stuck_after_minutes: int = 120
    """Age over which a task that has not ended is counted as stuck."""
    credentials_key_id: str = ""
    default_image_repository: str = ""
    registry_allow_list: tuple[str, ...] = ()
    """Patterns for `re.fullmatch` against ``host/repository``."""
    max_upload_bytes: int = 4_500_000
    """Body of one request."""
    max_staged_upload_bytes: int = 200 * 1024 * 1024
    """File of one announced upload."""
    upload_minutes: int = 30
    """How long an announced upload may wait to begin."""
    max_running_builds: int = 100
    """Tasks of one workspace that have not ended."""
    max_kept_tasks: int = 5000
    """Tasks of one workspace in the table."""
    task_retention_days: int = 90
    image_reuse_days: int | None = None
    """Days after its push for which an image may still be taken over by a new task; None: for ever."""
    toolchain_id: str = ""
    """Identity of the builder image: builds by another one are not reused."""
    build_log_group: str = ""
    deploys: bool = True
    """Whether this installation has a cluster to deploy to."""
    authorizer: Literal["iam", "jwt", "none"] = "iam"
    workspaces_claim: str = "workspaces"
    """Claim of a token that lists the caller's workspaces."""

    @classmethod
    @functools.cache
    def read(cls) -> "Environment":
        """The process's environment (read once: a Lambda's never changes)."""
        values: dict[str, object] = {
            name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ
        }
        if "registry_allow_list" in values:
            values["registry_allow_list"] = json.loads(str(values["registry_allow_list"]))
        return cls.model_validate(values)
