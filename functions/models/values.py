"""Values that several requests and answers have."""

from typing import Annotated

from pydantic import Field

from functions.contracts.spelling import published

TaskId = Annotated[
    str,
    published(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "01939f3e-7c1a-7b3e-9d2f-5a4c6e8b0d12", format="uuid"),
]
PageToken = Annotated[str, published(r"[A-Za-z0-9_-]+", "MTAxOTM5ZjNlLTdjMWEtN2IzZQ")]
"""Where an answer ended (`functions.tasks.paging`)."""
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time", "examples": ["2026-01-02T03:04:05.678Z"]})]
"""A point in time in ISO 8601, UTC."""
