"""A pattern for texts whose error message is a sentence instead of a regular expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, Field, StringConstraints


@dataclass(frozen=True, slots=True)
class Spelling(GroupedMetadata):
    """Annotation of a ``str``: ``Annotated[str, Spelling(pattern, longest, words)]``.

    The published schema has the pattern and the length.
    """

    pattern: str
    """Regular expression of the whole text."""
    longest: int
    """Characters."""
    words: str
    """The rule as a sentence for the person who broke it."""

    def __iter__(self) -> Iterator[object]:
        """Yield what pydantic understands."""
        yield StringConstraints(max_length=self.longest)
        yield AfterValidator(self._check)
        yield Field(json_schema_extra={"pattern": f"^{self.pattern}$"})

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.words)
        return value
