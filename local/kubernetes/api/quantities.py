"""Resource quantities (``250m``, ``1.5Gi``, ``2e3``) as exact decimals.

Grammar: k8s.io/apimachinery `pkg/api/resource/quantity.go`.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d+))?")
_SUFFIX: dict[str | None, Decimal] = {
    None: Decimal(1),
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    "m": Decimal("1e-3"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
}
_MAX_EXPONENT = 30
_KIBI = Decimal(1024)

BAD_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(value: Any) -> Decimal:
    """Parse the quantity as a number (bytes, cores …). Raises ValueError when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(BAD_QUANTITY)
    number, suffix, exponent = match.groups()
    if exponent is not None:
        if abs(int(exponent)) > _MAX_EXPONENT:  # "1e999999999" would build a number of a gigabyte
            raise ValueError(BAD_QUANTITY)
        return Decimal(number) * Decimal(10) ** int(exponent)
    return Decimal(number) * _SUFFIX[suffix]


_NANO = Decimal("1e-9")
_DECIMAL_SUFFIX = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY_SUFFIX = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def canonical_quantity(text: str) -> str:
    """Write the quantity as Go does: no fraction, the largest suffix that leaves none (``1024Mi`` is ``1Gi``).

    Parts of a nano are rounded up. Raises ValueError when it is none.
    """
    value = parse_quantity(text)
    size = (abs(value) / _NANO).to_integral_value(ROUND_CEILING) * _NANO
    sign = "-" if value < 0 else ""
    if not size:
        return "0"
    if text.endswith("i") and size >= _KIBI and size == size.to_integral_value():
        power = 0
        while size % _KIBI == 0 and power < len(_BINARY_SUFFIX) - 1:
            size, power = size / _KIBI, power + 1
        return f"{sign}{int(size)}{_BINARY_SUFFIX[power]}"
    _, digits, exponent = size.normalize().as_tuple()
    number, zeros = int("".join(map(str, digits))), int(exponent) % 3
    power = int(exponent) - zeros
    if "e" in text.lower().rstrip("i")[:-1]:
        suffix = f"e{power}" if power else ""
    else:
        suffix = _DECIMAL_SUFFIX.get(power, f"e{power}")
    return f"{sign}{number * 10**zeros}{suffix}"
