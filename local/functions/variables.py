"""App variables, and the ``{{ variable }}`` templates in which components use them.

An app variable's value is the environment's ``SPIN_VARIABLE_<NAME>``, or the manifest's default. A component sees only
the names of its own ``variables`` table (``config`` in the locked app), whose values are `builder.templates`.
"""

import re
from collections.abc import Mapping
from typing import Final

from builder import templates

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
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
        """Required variables without a value."""
        return sorted(name for name, value in self._values.items() if value is None)

    def render(self, template: str) -> str:
        """Fill in a template.

        Raises:
            builder.templates.TemplateError: braces do not match.
            UndefinedVariableError: it uses a variable that is not declared or has no value.
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

    def __init__(self, app: AppVariables, templates: Mapping[str, str]) -> None:
        self._app = app
        self._templates = templates

    def names(self) -> list[str]:
        """Every name that the component declares."""
        return sorted(self._templates)

    def get(self, name: str) -> str:
        """A variable's value.

        Raises:
            InvalidNameError: the name cannot be a variable's.
            UndefinedVariableError: the component does not declare it, or it has no value.
            builder.templates.TemplateError: its template is malformed.
        """
        if not _NAME.fullmatch(name):
            raise InvalidNameError(f"{name!r} is not a variable name: use lower-case words joined by '_'")
        if name not in self._templates:
            raise UndefinedVariableError(f"variable {name!r} is not in the component's variables table")
        return self._app.render(self._templates[name])
