"""App variables, and the ``{{ variable }}`` templates in which components use them.

An app variable's value is the environment's ``SPIN_VARIABLE_<NAME>``, or the manifest's default. A component sees only
the names of its own ``variables`` table (``config`` in the locked app), whose values are `builder.source.templates`.
"""

import re
from collections.abc import Mapping
from typing import Final

from builder.source import templates

_PREFIX: Final = "SPIN_VARIABLE_"


class UndefinedVariableError(LookupError):
    """A name has no value; the message says which and where one would come from."""


class InvalidNameError(ValueError):
    """A name is not of the form of a variable's name."""


class AppVariables:
    """The variables that the app declares."""

    def __init__(self, defaults: Mapping[str, str | None], environment: Mapping[str, str]) -> None:
        """``defaults`` has every declared variable; None marks a required one."""
        self._values = {name: environment.get(_PREFIX + name.upper(), default) for name, default in defaults.items()}

    def missing(self) -> list[str]:
        """List required variables without a value."""
        return sorted(name for name, value in self._values.items() if value is None)

    def render(self, template: str) -> str:
        """Fill in a template.

        Raises
        ------
        builder.source.templates.TemplateError
            Braces do not match.
        UndefinedVariableError
            It uses a variable that is not declared or has no value.
        """
        return templates.parse(template).render(self._value)

    def _value(self, name: str) -> str:
        if name not in self._values:
            raise UndefinedVariableError(f"variable {name!r} is not declared under [variables]")
        value = self._values[name]
        if value is None:
            raise UndefinedVariableError(
                f"required variable {name!r} has no value: set the app's variable, seen here as {_PREFIX}{name.upper()}"
            )
        return value


class ComponentVariables:
    """What one component sees of them."""

    def __init__(self, app: AppVariables, templates: Mapping[str, str], component: str) -> None:
        self._app = app
        self._component = component
        self._templates = templates

    def names(self) -> list[str]:
        """Every name that the component declares."""
        return sorted(self._templates)

    def get(self, name: str) -> str:
        """Return a variable's value.

        Raises
        ------
        InvalidNameError
            The name cannot be a variable's.
        UndefinedVariableError
            The component does not declare it, or it has no value.
        builder.source.templates.TemplateError
            Its template is malformed.
        """
        _check_name(name)
        if name not in self._templates:
            raise UndefinedVariableError(f'no variable for "{self._component}"."{name}"')
        return self._app.render(self._templates[name])


def _check_name(name: str) -> None:
    """Refuse a name in Spin's words (v3.6.3, crates/expressions, ``Key::validate``)."""
    strange = re.search(r"[^a-z0-9_]", name)
    if not name:
        reason = "must not be empty"
    elif strange:
        reason = (
            f"invalid character {strange[0]!r}. Variable names may contain only lower-case letters, numbers, and "
            "underscores."
        )
    elif not name[0].isalpha():
        reason = "must start with a lowercase ASCII letter"
    elif name[-1] == "_":
        reason = "must end with a lowercase ASCII letter or digit"
    elif "__" in name:
        reason = "must not contain multiple consecutive underscores"
    else:
        return
    raise InvalidNameError(f'"{name}": {reason}')
