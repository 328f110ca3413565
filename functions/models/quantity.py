"""Kubernetes quantities (``500m``, ``128Mi``): amounts of CPU and memory as people write them.

Grammar: k8s.io/apimachinery, pkg/api/resource/quantity.go.
"""

import re
import string
from decimal import Decimal
from typing import Final

_SUFFIX: Final = r"(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?"
_QUANTITY: Final = re.compile(rf"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+){_SUFFIX}")
POSITIVE: Final = rf"(?:[0-9]*[1-9][0-9]*(?:\.[0-9]+)?|[0-9]*\.[0-9]*[1-9][0-9]*){_SUFFIX}"
"""Regular expression of the quantities above zero."""
LONGEST: Final = 32
"""Characters of a quantity in a request."""
_FACTORS: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}
_LEAST_MEMORY: Final = 1024**2
"""Bytes. No container starts with less."""


def amount(quantity: str) -> Decimal:
    """Return the number that a quantity stands for: cores of CPU, bytes of memory.

    Raises
    ------
    ValueError
        ``quantity`` is not a Kubernetes quantity.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"not a Kubernetes quantity: {quantity[:40]!r} (write for example 500m, 0.5, 128Mi)")
    suffix = match["suffix"] or ""
    factor = Decimal(f"1{suffix}") if suffix not in _FACTORS else _FACTORS[suffix]
    return Decimal(match["number"]) * factor


def same_amount(one: object, other: object) -> bool:
    """Return whether both are quantities of the same number: Kubernetes writes ``1000m`` as ``1``."""
    if one is None or other is None:
        return False
    try:
        return amount(str(one)) == amount(str(other))
    except ValueError:
        return False


def memory_quantity(quantity: str) -> str:
    """Return ``quantity`` if it is an amount of memory that a container can run in.

    Raises
    ------
    ValueError
        ``quantity`` is not a quantity, or less than 1 MiB: a slip such as ``100m`` (a tenth of a byte) for ``100Mi``.
    """
    if amount(quantity) < _LEAST_MEMORY:
        number = quantity.rstrip(string.ascii_letters)
        raise ValueError(f"{quantity} is {amount(quantity).normalize():f} bytes of memory: write {number}Mi for MiB")
    return quantity
