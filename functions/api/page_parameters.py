"""Query parameters of lists that come in pages."""

from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.models.values import PageToken

MOST_ENTRIES: Final = 100

Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES, description="Maximum number of entries in one response.")]
NextToken = Annotated[
    PageToken | None, Query(max_length=2048, description="Token from the field `next` of the previous response.")
]
