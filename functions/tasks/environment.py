"""Settings of the build functions, handed over by the stack as environment variables."""

import functools
import json
import os

from pydantic import BaseModel, ConfigDict


class Environment(BaseModel):
    """Typed view of the environment; a missing variable fails at the first use, by name."""

    model_config = ConfigDict(frozen=True)

    task_table: str
    code_bucket: str
    state_machine_arn: str = ""
    event_bus_name: str = ""
    """Where ends of tasks are announced (`functions.tasks.events`)."""
    credentials_key_id: str = ""
    default_image_repository: str = ""
    registry_allow_list: tuple[str, ...] = ()
    """Patterns for `re.fullmatch` against ``host/repository``."""
    max_upload_bytes: int = 4_500_000
    task_retention_days: int = 90

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
