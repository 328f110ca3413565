"""Settings from the environment: each Lambda function, and the builder, has a class with all that it needs."""

import functools
import os
from collections.abc import Mapping
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
        """Read the environment of the process, once: it never changes. Raises as `of` does."""
        return cls.of(os.environ)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read an environment.

        Raises
        ------
        pydantic.ValidationError
            Names every variable that is missing or wrong.
        """
        return cls.model_validate(dict(environment))

    @classmethod
    def variables(cls) -> dict[str, bool]:
        """Names of the environment variables that are read, each with whether it must be set."""
        return {str(field.alias): field.is_required() for field in cls.model_fields.values()}


def reset() -> None:
    """Forget what was read."""
    EnvironmentSettings.read.cache_clear()
