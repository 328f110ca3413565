"""Read a function's settings from its environment: one class a function, with all that it needs and nothing else."""

import functools
import os
from typing import Self

from pydantic import BaseModel, ConfigDict


class EnvironmentSettings(BaseModel):
    """Typed view of the environment: field ``task_table`` is the variable ``TASK_TABLE``.

    Values of cdk.json keep their place in it as their name: ``limits.request_bytes`` is ``LIMITS_REQUEST_BYTES``.
    """

    # Errors name the variable. They do not show values: a message must not carry what else the environment holds.
    model_config = ConfigDict(
        frozen=True, alias_generator=str.upper, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )

    @classmethod
    @functools.cache
    def read(cls) -> Self:
        """Read the environment of the process, once: a Lambda function's environment never changes.

        Raises
        ------
        pydantic.ValidationError
            Names every variable that is missing or wrong.
        """
        return cls.model_validate(dict(os.environ))

    @classmethod
    def variables(cls) -> dict[str, bool]:
        """Names of the environment variables that are read, each with whether it must be set."""
        return {str(field.alias): field.is_required() for field in cls.model_fields.values()}


def reset() -> None:
    """Forget what was read."""
    EnvironmentSettings.read.cache_clear()
