"""Rules for texts that people write: a pattern for the published schema, and a sentence for whoever breaks it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, Field, StringConstraints

from functions.contracts.name_suggestion import advice, suggested


def published(pattern: str, example: str, **further: str) -> Any:
    """Return the annotation of a text whose own check knows better words than a pattern has.

    Parameters
    ----------
    pattern
        Regular expression of the whole text, as far as one can say it.
    further
        Other keywords of JSON Schema.
    """
    # JSON Schema's regular expressions are JavaScript's, where groups are named in another way.
    anonymous = re.sub(r"\(\?P<\w+>", "(?:", pattern)
    return Field(json_schema_extra={"pattern": f"^{anonymous}$", "examples": [example], **further})


@dataclass(frozen=True, slots=True)
class Spelling(GroupedMetadata):
    """Annotation of a ``str``: ``Annotated[str, Spelling(pattern, longest, words, example)]``.

    The published schema has the pattern, the length and the example.
    """

    pattern: str
    """Regular expression of the whole text."""
    longest: int
    """Characters."""
    words: str
    """The rule as a sentence for the person who broke it."""
    example: str

    def __iter__(self) -> Iterator[object]:
        """Yield what pydantic understands."""
        yield StringConstraints(max_length=self.longest)
        yield AfterValidator(self._check)
        yield published(self.pattern, self.example)

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.refusal(value))
        return value

    def refusal(self, _value: str, /) -> str:
        """Return what somebody is told whose text breaks the rule."""
        return self.words


@dataclass(frozen=True, slots=True)
class NameSpelling(Spelling):
    """A `Spelling` of names that people choose: whoever breaks it is told what is wrong, and what could be used."""

    def refusal(self, value: str, /) -> str:
        """Return the rule, the characters that break it and a name that does not."""
        return self.words + advice(value, self.pattern, self.longest)

    def allows(self, value: str) -> bool:
        """Return whether ``value`` follows the rule, its length included."""
        return len(value) <= self.longest and re.fullmatch(self.pattern, value) is not None

    def nearest(self, value: str) -> str | None:
        """Return the allowed name that is most like ``value``; None if nothing of it can be used."""
        return suggested(value, self.pattern, self.longest)
