"""What things cost, in won."""

PRICES = {"apple": 1200, "pear": 2500, "kimchi": 9000}


class UnknownItemError(Exception):
    """An item that has no price."""


def price_of(item: str) -> int:
    if item not in PRICES:
        raise UnknownItemError(f"unknown item: {item}")
    return PRICES[item]
