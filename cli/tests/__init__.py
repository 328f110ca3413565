"""The command line, as a person uses it, against the real handlers."""

import tests.conftest  # noqa: F401  # Powertools reads its settings when a handler is loaded: they are set before
