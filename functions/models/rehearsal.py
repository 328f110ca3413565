"""What the build API asks the deploy function before a build that is to be deployed, and what it is answered."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.contracts.task_row import DeployBlock

REHEARSAL_SECONDS: Final = 4.0
"""How long the cluster may take. The build does not depend on the answer: without one it is accepted."""


class Rehearsal(BaseModel):
    """The question whether a deploy block would be carried out now."""

    model_config = ConfigDict(frozen=True)

    ask: Literal["rehearse"] = "rehearse"
    """Tells this event from others of the deploy function."""
    workspace_id: str
    block: DeployBlock
    image_repository: str = Field(description="Where the build pushes to, without a tag.")


class RehearsalAnswer(BaseModel):
    """Nothing set: it would."""

    refused: str | None = None
    """Why not, in the words of a deploy."""
    status: int | None = None
    """HTTP status of that."""
    unknown: str | None = None
    """Why nobody can tell."""
