"""The words of serde, the library by which Spin reads its files, for its errors about a value."""

import json
from datetime import date, datetime, time


def described(value: object) -> str:
    """Name a value as serde does in ``invalid type`` and ``invalid value`` errors; a time is the text of it."""
    match value:
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {json.dumps(value, ensure_ascii=False)}"
        case list():
            return "sequence"
        case datetime() | date() | time():
            return f'string "{value}"'
        case _:
            return "map"
