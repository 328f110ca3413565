"""Settings: what the environment must say, what it may, and what a wrong value is called."""

from pathlib import Path

import pytest
from builder.settings import MIB, Settings
from pydantic import ValidationError

TASK = {"TASK_TABLE": "t", "CODE_BUCKET": "b", "WORKSPACE_ID": "w", "TASK_ID": "k", "AWS_REGION": "ap-northeast-2"}


def test_the_defaults_are_those_of_the_image() -> None:
    settings = Settings.of(TASK)
    assert settings.task_table == "t"
    assert settings.toolchain == Path("/opt/toolchain")
    assert settings.build_user == "builder-sandbox"
    assert settings.limits.source_bytes == 200 * MIB


def test_everything_else_can_be_set() -> None:
    chosen = {"BLUE_FAAS_TOOLCHAIN": "/x", "BLUE_FAAS_BUILD_USER": "200000", "BLUE_FAAS_BUILD_SECONDS": "7.5"}
    settings = Settings.of({**TASK, **chosen})
    assert settings.toolchain == Path("/x")
    assert settings.build_user == "200000"
    assert settings.limits.build_seconds == 7.5


@pytest.mark.parametrize("name", TASK)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    environment = {key: text for key, text in {**TASK, name: value}.items() if text is not None}
    with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
        Settings.of(environment)


@pytest.mark.parametrize("value", ["many", "0", "-1"])
def test_a_limit_that_is_no_positive_number(value: str) -> None:
    with pytest.raises(ValidationError, match="BLUE_FAAS_BUILD_SECONDS"):
        Settings.of({**TASK, "BLUE_FAAS_BUILD_SECONDS": value})
