"""Sums a basket."""

from shop.prices import price_of


def total(basket: dict[str, int]) -> int:
    return sum(price_of(item) * count for item, count in basket.items())
