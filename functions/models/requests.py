"""Rules for every request: which values count as absent, and which characters registry credentials may have."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

BLANK_IS_ABSENT: Final = BeforeValidator(lambda value: None if value == "" else value)
"""HTML forms and shell scripts send a field that has no value as an empty one."""


class RequestModel(BaseModel):
    """A request body. A field that is ``null`` or ``""`` counts as absent; an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blank_fields(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if value is not None and value != ""}


def _without_line_break(value: str) -> str:
    # `aws ecr get-login-password | curl -F password=<-` sends the line break too; docker login cuts it off as well.
    return value.removesuffix("\n").removesuffix("\r")


def _without_control_characters(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("must not contain control characters or line breaks")
    return value


Credential = Annotated[
    str,
    AfterValidator(_without_line_break),
    AfterValidator(_without_control_characters),
]
"""A registry's user name or password, without the line break that shells leave at its end."""
