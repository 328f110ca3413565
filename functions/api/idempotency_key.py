"""The header ``Idempotency-Key`` as routes take it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from functions.contracts.spelling import Spelling

Key = Annotated[
    str,
    Spelling(r"[\x20-\x7e]+", 255, "use 1 to 255 printable ASCII characters", "3f0c2a5e-6d0b-4a55-9c55-0d4c5a1f7a10"),
]
IdempotencyKey = Annotated[
    Key | None,
    Header(
        alias="Idempotency-Key",
        description="Key that the client chooses, for example a UUID. Requests of a workspace with the same key create "
        "one task within 24 hours, also if they are sent at the same time.",
    ),
]
