"""Exact whole-number arithmetic in int64 (U2 to U4): products that pass 64 bits are taken in 128.

Every function takes non-negative int64 and gives the exact result, or TOO_LARGE where that result
does not fit in int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiling import part, rare
from engine.intrinsics import checked_product, checked_sum

G = 1_000_000_000
HALF = 500_000_000
TOO_LARGE = -1
LARGEST = 2**63 - 1
# Below this a result in double arithmetic, wrong by at most 3 parts in 2**53, still proves that
# the exact one fits; above it the exact test decides.
SURELY_FITS = 9.2e18
# A rate below this times a remainder of G stays below 2**63; a divisor below the other leaves room for
# the error of a quotient estimated in doubles.
SMALL_RATE = 2**33
SMALL_DIVISOR = 2**50
LOW = np.uint64(0xFFFFFFFF)
U32 = np.uint64(32)
U1 = np.uint64(1)
U63 = np.uint64(63)


@part
def wide_product(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b as (high, low) halves of 64 bits."""
    a_low, a_high = np.uint64(a) & LOW, np.uint64(a) >> U32
    b_low, b_high = np.uint64(b) & LOW, np.uint64(b) >> U32
    low = a_low * b_low
    middle = a_high * b_low + (low >> U32)
    cross = a_low * b_high + (middle & LOW)
    high = a_high * b_high + (middle >> U32) + (cross >> U32)
    return high, (cross << U32) | (low & LOW)


@part
def wide_quotient(high: Any, low: Any, divisor: Any) -> tuple[Any, Any]:
    """(high, low) // divisor as (high, low); long division, a bit at a time."""
    d = np.uint64(divisor)
    rest = np.uint64(0)
    q_high = np.uint64(0)
    q_low = np.uint64(0)
    for i in range(128):
        if i < 64:
            bit = (high >> (U63 - np.uint64(i))) & U1
        else:
            bit = (low >> (U63 - np.uint64(i - 64))) & U1
        # divisor < 2**63, so rest < 2**63 and the shift keeps every bit
        rest = (rest << U1) | bit
        step = np.uint64(0)
        if rest >= d:
            rest -= d
            step = U1
        if i < 64:
            q_high = (q_high << U1) | step
        else:
            q_low = (q_low << U1) | step
    return q_high, q_low


@part
def narrow(high: Any, low: Any) -> Any:
    """The value of two halves as int64, or TOO_LARGE."""
    if high != np.uint64(0) or low > np.uint64(LARGEST):
        return np.int64(TOO_LARGE)
    return np.int64(low)


@part
def plus(high: Any, low: Any, more: Any) -> tuple[Any, Any]:
    """(high, low) + more."""
    total = low + np.uint64(more)
    if total < low:
        high = high + U1
    return high, total


@part
def _wide_share(a: Any, b: Any, divisor: Any, more: Any) -> Any:
    """(a * b + more) // divisor, through 128 bits."""
    high, low = wide_product(a, b)
    high, low = plus(high, low, more)
    high, low = wide_quotient(high, low, divisor)
    return narrow(high, low)


@rare
def _wide_quantity(base: Any, weight: Any, price: Any) -> Any:
    """base * weight // G // price, through 128 bits."""
    high, low = wide_product(base, weight)
    high, low = wide_quotient(high, low, G)
    high, low = wide_quotient(high, low, price)
    return narrow(high, low)


@part
def product(a: Any, b: Any) -> Any:
    """a * b."""
    fits, beyond = checked_product(a, b)
    return TOO_LARGE if beyond else fits


@part
def mul(a: Any, rate: Any) -> Any:
    """U2: (a * rate + 500_000_000) // 1_000_000_000."""
    fits, beyond = checked_product(a, rate)
    if beyond:
        return _large_share(a, rate, HALF)
    return np.int64((np.uint64(fits) + np.uint64(HALF)) // np.uint64(G))


@part
def mul_floor(a: Any, rate: Any) -> Any:
    """U3: a * rate // 1_000_000_000."""
    fits, beyond = checked_product(a, rate)
    if beyond:
        return _large_share(a, rate, 0)
    return np.int64(np.uint64(fits) // np.uint64(G))


@rare
def _large_share(a: Any, rate: Any, more: Any) -> Any:
    """(a * rate + more) // G, for a product past 64 bits and more < G: a's whole and broken G apart (U4)."""
    if rate < SMALL_RATE and float(a) * float(rate) < SURELY_FITS * G:
        whole = np.int64(np.uint64(a) // np.uint64(G))
        rest = (a - whole * G) * rate + more
        return whole * rate + np.int64(np.uint64(rest) // np.uint64(G))
    return _wide_share(a, rate, G, more)


@part
def share_of(a: Any, part: Any, whole: Any) -> Any:
    """a * part // whole, for part <= whole."""
    if part == whole:
        return a
    fits, beyond = checked_product(a, part)
    if beyond:
        return _large_part(a, part, whole)
    return np.int64(np.uint64(fits) // np.uint64(whole))


@rare
def _large_part(a: Any, part: Any, whole: Any) -> Any:
    """a * part // whole, for part < whole and a product past 64 bits.

    An estimate in doubles, and the remainder it leaves. That remainder is small, so its lowest 64 bits
    are all of it, and it says by how much the estimate was off.
    """
    if whole >= SMALL_DIVISOR:
        return _wide_share(a, part, whole, 0)
    estimate = np.int64(float(a) * (float(part) / float(whole)))
    rest = np.uint64(a) * np.uint64(part) - np.uint64(estimate) * np.uint64(whole)
    return estimate + np.int64(rest) // whole


@part
def quantity_for(base: Any, weight: Any, price: Any) -> Any:
    """R7: mul_floor(base, weight) // price, exact also where mul_floor itself passes 64 bits."""
    amount = mul_floor(base, weight)
    if amount == TOO_LARGE:
        return _wide_quantity(base, weight, price)
    return np.int64(np.uint64(amount) // np.uint64(price))


@part
def entry_of(basis: Any, size: Any) -> Any:
    """X2: (2 * basis + size) // (2 * size), without the doubling that could pass 64 bits."""
    entry = np.int64(np.uint64(basis) // np.uint64(size))
    rest = basis - entry * size
    return entry + np.int64(rest >= size - rest)


@part
def total(column: Any, first: int, end: int) -> Any:
    """The sum of the non-negative column[first:end]."""
    most = LARGEST // max(1, end - first)
    found = np.int64(0)
    bits = np.int64(0)
    for row in range(first, end):
        found += column[row]
        bits |= column[row]
    if bits > most:
        return _careful_total(column, first, end)
    return found


@rare
def _careful_total(column: Any, first: int, end: int) -> Any:
    found = np.int64(0)
    for row in range(first, end):
        found, beyond = checked_sum(found, column[row])
        if beyond:
            return TOO_LARGE
    return found
