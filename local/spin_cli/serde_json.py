"""JSON as the crate ``serde_json`` writes it, for what a TOML document can hold."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

_LONGEST_PLAIN: Final = 16
"""Digits before the point up to which a number has no exponent (the crate ``ryu``, pretty/mod.rs)."""
_MOST_LEADING_ZEROS: Final = 5


def dumps(value: Any) -> str:
    """Compact JSON; maps keep their order. Times are strings in TOML's form, infinities and NaN are null."""
    match value:
        case dict():
            return "{" + ",".join(f"{dumps(str(key))}:{dumps(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(dumps, value)) + "]"
        case float():
            return _number(value)
        case datetime() | date() | time():
            return f'"{_time(value)}"'
        case _:
            return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, exponent = "".join(map(str, digits)), int(exponent)
    point = len(text) + exponent
    if value == 0:
        shown = "0.0"
    elif exponent >= 0 and point <= _LONGEST_PLAIN:
        shown = f"{text}{'0' * exponent}.0"
    elif 0 < point <= _LONGEST_PLAIN:
        shown = f"{text[:point]}.{text[point:]}"
    elif -_MOST_LEADING_ZEROS < point <= 0:
        shown = f"0.{'0' * -point}{text}"
    else:
        shown = f"{text[0]}{'.' if text[1:] else ''}{text[1:]}e{point - 1}"
    return f"{'-' if sign else ''}{shown}"


def _time(value: datetime | date | time) -> str:
    text = value.isoformat()
    whole, dot, fraction = text.partition(".")
    if dot:  # TOML writes a fraction without the zeros at its end
        digits, offset = fraction[:6], fraction[6:]
        text = f"{whole}.{digits.rstrip('0')}{offset}"
    return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text
