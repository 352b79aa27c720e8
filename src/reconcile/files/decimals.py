"""Exact decimal numbers: text to integers of a unit and back, and the units themselves (section U)."""

from __future__ import annotations

import re

from vocabulary.ledger import Kind

PPB = 9
"""Decimals of a rate, weight or multiple: parts per billion."""
BPS = 5
"""Decimals of a number of basis points held in ppb: 5 bps = 500,000 ppb."""
INT64_MAX = 2**63 - 1

_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")


class NumberError(ValueError):
    """Text that does not become an integer of the unit exactly; says what would, and the remedy."""

    def __init__(self, expected: str, remedy: str) -> None:
        super().__init__(f"expected {expected}. {remedy}")
        self.expected = expected
        self.remedy = remedy


def to_units(text: str, decimals: int) -> int:
    """The integer `text * 10**decimals`, exactly.

    text: decimal text: an optional sign, digits, optionally a point and more digits.
    Raises NumberError when it is not that, has more decimals than the unit, or leaves int64 (U4).
    """
    negative, whole, fraction = split(text)
    if len(fraction) > decimals:
        raise NumberError(_at_most(decimals), "Round it to a number that the unit holds exactly.")
    too_long = len(whole) + decimals > 20  # int() need not be asked, and refuses thousands of digits
    units = 0 if too_long else int(whole + fraction.ljust(decimals, "0") or "0")
    if too_long or units > INT64_MAX:
        largest = from_units(INT64_MAX, decimals)
        raise NumberError(f"a number of at most {largest}, the most that int64 holds", "Write a smaller one.")
    return -units if negative else units


def split(text: str) -> tuple[bool, str, str]:
    """Whether the number is below zero, and its digits before and behind the point, without idle zeros.

    Raises NumberError when the text is no decimal number.
    """
    matched = _DECIMAL.fullmatch(text)
    if matched is None:
        raise NumberError('a decimal number such as "0.05"', "Write digits and at most one decimal point.")
    sign, whole, fraction = matched[1], matched[2].lstrip("0"), (matched[3] or "").rstrip("0")
    return sign == "-" and bool(whole or fraction), whole, fraction


def text_of(value: int, scale: int) -> str:
    """Exact decimal text of `value / 10**scale`, with `scale` decimals: text_of(-5, 2) is -0.05."""
    digits = str(abs(value)).rjust(scale + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits


def from_units(units: int, decimals: int) -> str:
    """The shortest decimal text of `units / 10**decimals`; `to_units` gives the same integer back."""
    text = text_of(units, decimals)
    return text.rstrip("0").rstrip(".") if decimals else text


def unit_scales(price_decimals: int, quantity_decimals: int) -> dict[Kind, int]:
    """The decimals of each kind of number in the tables of a run (section U)."""
    return {
        Kind.PRICE: price_decimals,
        Kind.QUANTITY: quantity_decimals,
        Kind.MONEY: price_decimals + quantity_decimals,
        Kind.RATE: PPB,
        Kind.COUNT: 0,
    }


def _at_most(decimals: int) -> str:
    if decimals == 0:
        return "a whole number"
    return f"a number with at most {decimals} decimal{'s' if decimals > 1 else ''}"
