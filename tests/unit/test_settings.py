"""A function whose environment lacks a variable says which at its first invocation, whatever it was invoked for."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from functions.api.settings import BuildApiSettings, IngestSettings
from functions.contracts import settings
from functions.contracts.settings import EnvironmentSettings
from functions.handlers import builds, ingest, reconcile, record_result, wait_for_slot
from functions.tasks.settings import EndSettings, ReconcilerSettings, SlotSettings, SubmissionSettings
from tests.support.aws_account import Account
from tests.support.events import LambdaContext, http_event
from tests.unit.test_ingest import created

HANDLERS: dict[type[EnvironmentSettings], Callable[[], Any]] = {
    BuildApiSettings: lambda: builds.handler(http_event("GET", "/openapi.json"), LambdaContext()),
    IngestSettings: lambda: ingest.handler(created("elsewhere/app.py", "v"), LambdaContext()),
    EndSettings: lambda: record_result.handler({"workspace_id": "w", "task_id": "t"}, LambdaContext()),
    SlotSettings: lambda: wait_for_slot.handler({"workspace_id": "w", "task_id": "t", "token": "a"}, LambdaContext()),
    ReconcilerSettings: lambda: reconcile.handler({}, LambdaContext()),
}
REQUIRED = [(reads, name) for reads in HANDLERS for name, is_required in reads.variables().items() if is_required]


@pytest.mark.parametrize(("reads", "name"), REQUIRED)
def test_a_missing_variable_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch, reads: type[EnvironmentSettings], name: str
) -> None:
    monkeypatch.delenv(name)
    settings.reset()
    with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
        HANDLERS[reads]()


def test_an_error_shows_no_values(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("LIMITS_KEPT_TASKS", "not-a-number")
    monkeypatch.delenv("TASK_TABLE")
    settings.reset()
    with pytest.raises(ValidationError) as refused:
        SubmissionSettings.read()
    assert {"TASK_TABLE", "LIMITS_KEPT_TASKS"} <= set(str(refused.value).splitlines())
    assert not any(value in str(refused.value) for value in ("very-secret", "not-a-number"))
