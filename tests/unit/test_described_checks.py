"""What `tests.support.described` finds: answers that are not as described, and refusals of what the schema allows."""

import json
from typing import Any

import pytest
from hypothesis import given
from schemathesis.core.failures import FailureGroup

from tests.support.described import Case, bounded, described, hold_to_description
from tests.support.wsgi import wsgi_app


def always(status: int, body: Any) -> Any:
    """An API that answers everything in the same way."""
    answer = {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
    return described(wsgi_app(lambda _: answer))["/api/v1/admin/workspaces"]["GET"]


_PLACE = {"detail": [{"loc": ["query", "limit"], "msg": "too many", "type": "x"}]}


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, {"workspaces": [], "next": None}, None),
        (422, {"detail": "not a token that this request was answered with"}, None),
        (422, _PLACE, "refused_for_what_the_schema_allows"),
        (500, {"detail": "The service failed unexpectedly."}, "Server error"),
        (418, {"detail": "no coffee"}, "Undocumented status code"),
        (200, {"workspaces": []}, "Response violates schema"),
    ],
)
def test_a_request_that_matches(status: int, body: Any, found: str | None) -> None:
    operation = always(status, body)

    @bounded
    @given(case=operation.as_strategy())
    def ask(case: Case) -> None:
        hold_to_description(case)

    if found is None:
        ask()
    else:
        with pytest.raises(FailureGroup, match=found):
            ask()
