"""The header ``Idempotency-Key`` as routes take it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Key that the client chooses, for example a UUID. Requests of a workspace with the same key create "
        "one task within 24 hours, also if they are sent at the same time.",
    ),
]
