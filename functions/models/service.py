"""What every function of the API answers: that it is up, or what went wrong."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Confirmation that the API is up."""

    status: str = Field(default="ok", description="Always ok.")


class Mismatch(BaseModel):
    """A place at which a request does not match the schema."""

    loc: list[str | int] = Field(
        description="Way to the place: `body`, `path`, `query` or `header`, then names of fields and positions.",
        examples=[["body", "app_name"]],
    )
    msg: str = Field(
        description="What is wrong there, and what is taken.",
        examples=["use lower-case letters, digits and '-', starting with a letter and ending with a letter or digit"],
    )
    type: str = Field(description="Kind of the mismatch, for programs.", examples=["value_error"])


class Problem(BaseModel):
    """The response to every request that fails: what happened, where, and what to do."""

    detail: str | list[Mismatch] = Field(
        description="A text, with one exception: of a request that does not match the schema (422), a list of the "
        "places at which it does not. Where a request matches the schema and still cannot be done (also 422), it is a "
        "text.",
        examples=["Namespace 'team-x' not found"],
    )
