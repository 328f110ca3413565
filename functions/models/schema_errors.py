"""What a caller is told whose request does not match the schema: our sentences for pydantic's kinds of errors."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

_EXPECTED: Final = {
    "string_type": "text in double quotes",
    "bool_type": "true or false, without quotes",
    "bool_parsing": "true or false",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "list_type": "a list, [...]",
    "dict_type": "a JSON object, {...}",
    "model_type": "a JSON object, {...}",
    "model_attributes_type": "a JSON object, {...}",
}
"""What a value of another type should have been, by kind of error (https://docs.pydantic.dev/latest/errors/)."""
_BOUNDS: Final = {
    "greater_than": "Expected a number above {gt}",
    "greater_than_equal": "Expected {ge} or more",
    "less_than": "Expected a number below {lt}",
    "less_than_equal": "Expected {le} at most",
    "string_too_short": "Too few characters: {min_length} at least",
    "string_too_long": "Too many characters: {max_length} at most",
    "too_short": "Too few entries: {min_length} at least",
    "too_long": "Too many entries: {max_length} at most",
}
_JSON_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)
_WORDS: Final = "words"
_QUERY_PARAMETER: Final = 2
"""Parts of the place of a query parameter: ``query`` and its name."""


def reason(error: Mapping[str, Any]) -> str:
    """Return the sentence of one of pydantic's errors; never the value, which may be a password.

    Parameters
    ----------
    error
        As pydantic has it: with ``type``, ``msg``, ``input``, and ``ctx`` where its kind has bounds. A sentence of ours
        (`own_words`) is kept.

    >>> reason({"type": "int_type", "msg": "Input should be a valid integer", "input": "2"})
    'Expected a whole number, without quotes, got text'
    """
    kind, message, context = str(error["type"]), str(error["msg"]), error.get("ctx", {})
    if _WORDS in context:
        return message
    if kind == "missing":
        return f"Field required{_how_to_add(error.get('loc', ()))}"
    if kind in _EXPECTED:
        return f"Expected {_EXPECTED[kind]}{_got(error['input'], kind)}"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map(context)
    return message.removeprefix("Value error, ")


def unknown_field(name: str, known: Iterable[str]) -> str:
    """Return the sentence about a field that a request must not have.

    >>> unknown_field("replica", ["namespace", "replicas"])
    "Unknown field; did you mean 'replicas'? Known fields: namespace, replicas"
    """
    fields = list(known)
    nearest = difflib.get_close_matches(name, fields, n=1)
    beginning = f"Unknown field; did you mean '{nearest[0]}'? Known" if nearest else "Unknown field; known"
    return f"{beginning} fields: {', '.join(fields)}"


def own_words(words: str) -> dict[str, Any]:
    """Return the ``ctx`` of an error whose message is a sentence of ours already."""
    return {_WORDS: words}


def json_type(value: Any) -> str:
    """Return what a value is in JSON, with its article."""
    return next((name for kind, name in _JSON_TYPES if isinstance(value, kind)), "null")


def _got(value: Any, kind: str) -> str:
    """Say what came instead; not where text is taken that reads as the type: parameters of a query."""
    return "" if "_parsing" in kind else f", got {json_type(value)}"


def _how_to_add(place: Any) -> str:
    if len(place) == _QUERY_PARAMETER and place[0] == "query":
        return f": add {place[1]}=… to the query of the URL"
    return ""
