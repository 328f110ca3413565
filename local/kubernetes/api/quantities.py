"""Resource quantities (``250m``, ``1.5Gi``, ``2e3``) as exact decimals.

Grammar: k8s.io/apimachinery `pkg/api/resource/quantity.go`.
"""

from __future__ import annotations

import re
from decimal import Decimal
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

BAD_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(value: Any) -> Decimal:
    """The quantity as a number (bytes, cores …). Raises ValueError when it is none."""
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
