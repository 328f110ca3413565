"""Rules for every request: which values count as absent, and what registry credentials may be."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from functions.contracts.spelling import published
from functions.models.schema_errors import own_words, reason, unknown_field

BLANK_IS_ABSENT: Final = BeforeValidator(lambda value: None if value == "" else value)
"""HTML forms and shell scripts send a field that has no value as an empty one."""
_UNKNOWN: Final = "extra_forbidden"


class RequestModel(BaseModel):
    """A request body. A field that is ``null`` or ``""`` counts as absent; an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blank_fields(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: _number(value) for name, value in body.items() if value is not None and value != ""}

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_known_fields(cls, body: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(body)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            if not any(map(_is_of_the_model_itself, errors)):
                raise
            told: list[InitErrorDetails] = [
                {
                    "type": PydanticCustomError(each["type"], "{words}", own_words(_words(each, cls))),
                    "loc": each["loc"],
                    "input": each["input"],
                }
                for each in errors
            ]
            raise ValidationError.from_exception_data(error.title, told) from None


def _is_of_the_model_itself(error: Mapping[str, Any]) -> bool:
    return error["type"] == _UNKNOWN and len(error["loc"]) == 1 and not str(error["msg"]).startswith("Unknown")


def _words(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    if _is_of_the_model_itself(error):
        return unknown_field(str(error["loc"][0]), model.model_fields)
    return reason(error)


def _number(value: Any) -> Any:
    """Return a whole number that JSON writes with a fraction (``3.0``) as the integer that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_line_break(value: str) -> str:
    # `aws ecr get-login-password | curl -F password=<-` sends the line break too; docker login cuts it off as well.
    return value.removesuffix("\n").removesuffix("\r")


def _without_control_characters(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("must not contain control characters or line breaks")
    return value


_CREDENTIAL: Final = r"[^\x00-\x1f\x7f]*"
UserName = Annotated[
    str,
    AfterValidator(_without_line_break),
    AfterValidator(_without_control_characters),
    published(_CREDENTIAL, "AWS"),
]
"""A registry's user name, without the line break that shells leave at its end."""
Password = Annotated[
    str,
    AfterValidator(_without_line_break),
    AfterValidator(_without_control_characters),
    published(_CREDENTIAL, "eyJwYXlsb2FkIjoi…", format="password"),
]
"""A registry's password, without the line break that shells leave at its end."""
