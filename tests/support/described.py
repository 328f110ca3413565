"""The API held to its published description: schemathesis makes requests of docs/openapi.json and judges the answers.

Left out, each for a reason:

- ``ignored_auth``: who may call is the authorizer's business, which stands before the functions (local/tests/front).
- ``positive_data_acceptance``: `refused_for_what_the_schema_allows` takes its place. A request may match the schema and
  still be one that cannot be done, such as for an image that does not exist: that is told in a text.
- ``unsupported_method``: API Gateway has no routes for other methods, and the build function answers for all
  (tests/unit/test_build_api.py).
- ``use_after_free``, ``ensure_resource_availability``: need what one request makes in the next one (tests/e2e).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks

from tests.support.client import ROOT

EXAMPLES_EACH: Final = 5
"""Made-up requests for each operation, beside those at the edges of its schema."""
_LEFT_OUT: Final = [
    checks.ignored_auth,
    checks.positive_data_acceptance,
    checks.unsupported_method,
    checks.use_after_free,
    checks.ensure_resource_availability,
    checks.negative_data_rejection,
]
BEYOND_A_SCHEMA: Final[Mapping[str, str]] = {
    "body": "rules for several fields together",
    "deploy": "rules for several fields together",
    "memory_limit": "at least 1Mi",
    "memory_request": "at least 1Mi",
    "file_name": "bytes of UTF-8, characters that can be printed",
    "variables": "characters of all texts together",
    "image_ref": "characters of the repository's name",
}
"""Fields with a rule that JSON Schema cannot say; their descriptions do."""

Case = schemathesis.Case[Any]

bounded = settings(
    max_examples=EXAMPLES_EACH,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def described(app: Callable[..., Any]) -> Any:
    """The description as schemathesis has it, with requests going to a WSGI app."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    schema = schemathesis.openapi.from_dict(document | {"security": []})
    schema.app = app
    return schema


def hold_to_description(case: Case) -> None:
    """Send a request, and fail if the answer is not as described."""
    case.call_and_validate(
        excluded_checks=_LEFT_OUT, additional_checks=[refused_for_what_the_schema_allows, takes_what_the_schema_forbids]
    )


def refused_for_what_the_schema_allows(_: Any, response: schemathesis.Response, case: Case) -> None:
    """A request that matches the schema is never answered with a place at which it does not."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE or response.status_code != 422:
        return
    detail = response.json()["detail"]
    places = [] if isinstance(detail, str) else [mismatch["loc"][-1] for mismatch in detail]
    assert [place for place in places if place not in BEYOND_A_SCHEMA] == [], detail


def takes_what_the_schema_forbids(ctx: Any, response: schemathesis.Response, case: Case) -> None:
    """A request that does not match the schema is refused; but a blank field counts as absent."""
    parts = [case.query, case.headers, case.body]
    if not any(value in ("", None) for part in parts if isinstance(part, Mapping) for value in part.values()):
        checks.negative_data_rejection(ctx, response, case)
