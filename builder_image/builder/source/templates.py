"""``{{ variable }}`` templates of a spin.toml, read as Spin reads them.

Source: spin v3.6.3, crates/expressions/src/template.rs and lib.rs. Texts of errors are Spin's.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Final

_OPENING: Final = "{{"
_CLOSING: Final = "}}"


class TemplateError(ValueError):
    """A template is malformed, or names a variable that the app does not declare."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: literal text, or the name of a variable."""

    text: str
    is_variable: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template."""

    parts: tuple[Part, ...]

    @property
    def is_literal(self) -> bool:
        """Whether no variable occurs in it."""
        return not any(part.is_variable for part in self.parts)

    def check_names(self, declared: Container[str]) -> None:
        """Refuse variables that the app does not declare.

        Raises
        ------
        TemplateError
            The first one that is not in ``declared``.
        """
        for part in self.parts:
            if part.is_variable and part.text not in declared:
                raise TemplateError(f'invalid variable template: unknown variable "{part.text}"')

    def render(self, value: Callable[[str], str]) -> str:
        """Put the variables' values in; ``value`` answers a name's."""
        return "".join(value(part.text) if part.is_variable else part.text for part in self.parts)

    def __str__(self) -> str:
        """Show the template as Spin does, with one space inside the braces."""
        return "".join(f"{{{{ {part.text} }}}}" if part.is_variable else part.text for part in self.parts)


def parse(text: str) -> Template:
    """Parse a template.

    Raises
    ------
    TemplateError
        Opening braces have no closing ones. Closing braces alone are literal text.
    """
    parts: list[Part] = []
    rest = text
    while rest:
        literal, opening, rest = rest.partition(_OPENING)
        if literal:
            parts.append(Part(literal, is_variable=False))
        if opening:
            name, closing, rest = rest.partition(_CLOSING)
            if not closing:
                raise TemplateError("invalid variable template: unmatched '{{' in template")
            parts.append(Part(name.strip(), is_variable=True))
    return Template(tuple(parts))
