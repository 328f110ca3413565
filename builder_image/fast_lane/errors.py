"""How a run of the base ends, other than well."""


class RefusedError(Exception):
    """The app does something at import that only componentize-py itself can judge; the text completes "it ..."."""
