"""Proportional splitting of whole yen by the largest remainder (TAX-09)."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split ``total`` yen over ``weights``: the shares sum to ``total``, each within a yen of its exact part.

    Yen left after flooring go to the largest remainders, ties to the earlier. All weights 0: everything goes to the
    first. Raises ValueError for negative input, or a total with nowhere to go.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("total and weights must not be negative")
    if total == 0:
        return (0,) * len(weights)
    if not weights:
        raise ValueError("there is nothing to split the total over")
    whole = sum(weights)
    if whole == 0:
        return (total, *(0,) * (len(weights) - 1))
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    if left:
        # sorted() is stable: equal remainders keep the earlier line first
        by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
        for index in by_remainder[:left]:
            shares[index] += 1
    return tuple(shares)
