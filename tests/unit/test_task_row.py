"""A row keeps what is written to it: through DynamoDB's own types and back, and for the builder the part it needs."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.contracts.build_result import BuildResult, Finding
from functions.contracts.task import RowField, TaskKey, TaskStatus
from functions.contracts.task_row import BuildOrder, DeployBlock, StoredResult, TaskRow

MOMENT = "2026-01-01T00:00:00.000Z"
NUMBERS = st.integers(0, 2**53)
RESULTS = st.builds(
    StoredResult,
    wasm_path=st.text(),
    image_url=st.text(),
    digest=st.none() | st.text(),
    size=st.none() | NUMBERS,
    way=st.sampled_from([None, "fast lane", "full build", "uploaded"]),
    duration_ms=st.dictionaries(st.text(), NUMBERS, max_size=3),
    toolchain=st.dictionaries(st.text(), st.text(), max_size=3),
    cached=st.booleans(),
)
FINDINGS = st.builds(Finding, file=st.text(), line=st.none() | NUMBERS, code=st.none() | st.text(), message=st.text())
ROWS = st.builds(
    TaskRow,
    workspace_id=st.text(min_size=1),
    task_id=st.text(min_size=1),
    status=st.sampled_from(TaskStatus),
    source_key=st.text(),
    image_repository=st.text(),
    app_name=st.none() | st.text(),
    registry_credentials=st.none() | st.binary(),
    created_at=st.just(MOMENT),
    updated_at=st.just(MOMENT),
    expires_at=NUMBERS,
    result=st.none() | RESULTS,
    error=st.none() | st.text(),
    errors=st.none() | st.lists(FINDINGS, min_size=1, max_size=3).map(tuple),
    build_id=st.none() | st.text(),
    deploy=st.none() | st.builds(DeployBlock, namespace=st.text(), options=st.text(), requested_by=st.text()),
    deployment=st.none() | st.text(),
    upload_expires_at=st.none() | NUMBERS,
    upload_sha256=st.none() | st.text(),
    cache_key=st.none() | st.text(),
    idempotency=st.none() | st.text(),
    unsettled=st.none() | st.just("task"),
)


def item(**changed: Any) -> dict[str, Any]:
    """A pending task, as boto3 hands it over."""
    row = {
        "workspace_id": "w",
        "task_id": "t",
        "status": "pending",
        "source_key": "build-sources/w/t/앱.py",
        "image_repository": "host/repo",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "expires_at": 1,
    }
    return {name: value for name, value in (row | changed).items() if value is not None}


@given(ROWS)
def test_what_is_written_is_what_is_read(row: TaskRow) -> None:
    stored = TypeSerializer().serialize(row.to_item())
    assert TaskRow.from_item(TypeDeserializer().deserialize(stored)) == row


def test_the_attributes_are_those_that_are_documented() -> None:
    assert TaskRow.model_fields.keys() == set(RowField)


def test_attributes_of_a_later_version_are_left_alone() -> None:
    assert "later" not in TaskRow.from_item(item(later="x")).to_item()


@pytest.mark.parametrize("lost", ["workspace_id", "status", "source_key", "created_at", "expires_at"])
def test_a_row_that_lacks_an_attribute_is_none(lost: str) -> None:
    with pytest.raises(ValidationError, match=lost):
        TaskRow.from_item(item(**{lost: None}))


def test_the_builder_reads_no_more_than_its_orders() -> None:
    order = BuildOrder.from_item(
        {name: value for name, value in item().items() if name not in {"status", "created_at", "expires_at"}}
    )
    assert (order.key, order.file_name) == (TaskKey("w", "t"), "앱.py")


def test_durations_are_stored_in_whole_milliseconds() -> None:
    report = BuildResult(outcome="succeeded", durations={"push": 1.2504})
    result = StoredResult.from_report(report, "host/repo:tag", "s3://b/k")
    assert (result.to_item()["duration_ms"], result.duration) == ({"push": 1250}, {"push": 1.25})
