"""Exact whole-number arithmetic in int64 (U2 to U4): products that pass 64 bits are taken in 128.

Every function takes non-negative int64 and gives the exact result, or TOO_LARGE where that result
does not fit in int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiling import part, rare

G = 1_000_000_000
HALF = 500_000_000
TOO_LARGE = -1
LARGEST = 2**63 - 1
# Below this a product in double arithmetic, wrong by at most 3 parts in 2**53, still proves that
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


@rare
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


@rare
def _wide_product_of(a: Any, b: Any) -> Any:
    """a * b, through 128 bits."""
    high, low = wide_product(a, b)
    return narrow(high, low)


@rare
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
    if float(a) * float(b) < SURELY_FITS:
        return a * b
    return _wide_product_of(a, b)


@part
def mul(a: Any, rate: Any) -> Any:
    """U2: (a * rate + 500_000_000) // 1_000_000_000."""
    size = float(a) * float(rate)
    if size < SURELY_FITS:
        return np.int64(np.uint64(a * rate + HALF) // np.uint64(G))
    if size < SURELY_FITS * G and rate < SMALL_RATE:
        whole, rest = _split(a)
        return whole * rate + np.int64(np.uint64(rest * rate + HALF) // np.uint64(G))
    return _wide_share(a, rate, G, HALF)


@part
def mul_floor(a: Any, rate: Any) -> Any:
    """U3: a * rate // 1_000_000_000."""
    size = float(a) * float(rate)
    if size < SURELY_FITS:
        return np.int64(np.uint64(a * rate) // np.uint64(G))
    if size < SURELY_FITS * G and rate < SMALL_RATE:
        whole, rest = _split(a)
        return whole * rate + np.int64(np.uint64(rest * rate) // np.uint64(G))
    return _wide_share(a, rate, G, 0)


@part
def _split(a: Any) -> tuple[Any, Any]:
    """a // G and a % G (U4)."""
    whole = np.int64(np.uint64(a) // np.uint64(G))
    return whole, a - whole * G


@part
def share_of(a: Any, part: Any, whole: Any) -> Any:
    """a * part // whole, for part <= whole.

    Past 64 bits: an estimate in doubles, and the remainder it leaves. That remainder is small, so its
    lowest 64 bits are all of it, and it says by how much the estimate was off.
    """
    if part == whole:
        return a
    if float(a) * float(part) < SURELY_FITS:
        return a * part // whole
    if whole < SMALL_DIVISOR:
        estimate = np.int64(float(a) * (float(part) / float(whole)))
        rest = np.uint64(a) * np.uint64(part) - np.uint64(estimate) * np.uint64(whole)
        return estimate + np.int64(rest) // whole
    return _wide_share(a, part, whole, 0)


@part
def quantity_for(base: Any, weight: Any, price: Any) -> Any:
    """R7: mul_floor(base, weight) // price, exact also where mul_floor itself passes 64 bits."""
    amount = mul_floor(base, weight)
    if amount != TOO_LARGE:
        return amount // price
    return _wide_quantity(base, weight, price)


@part
def sum_overflows(a: Any, b: Any, total: Any) -> bool:
    """Whether total = a + b wrapped around; for operands of any sign."""
    return ((a ^ total) & (b ^ total)) < 0
