"""Columns of exact integers with a scale, to and from Arrow decimals and decimal text.

An array of integers is int64, or objects (Python integers) where one does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.buffers import Mask
from reconcile.files.decimals import text_of

Integers = npt.NDArray[Any]

MAX_SCALE = 18
"""Most decimals of an int64 column: 10**18 is the largest power of ten in int64."""
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def pack(numbers: Sequence[int]) -> Integers:
    """int64 where all fit, else objects."""
    try:
        return np.array(numbers, dtype=np.int64)
    except OverflowError:
        packed = np.empty(len(numbers), dtype=object)
        packed[:] = numbers
        return packed


def rescale(values: Integers, by: int) -> Integers:
    """values * 10**by, by >= 0, exact: becomes objects where int64 does not hold it."""
    if by == 0:
        return values
    factor = 10**by
    if values.dtype != object and by <= MAX_SCALE:
        limit = INT64_MAX // factor
        if not len(values) or (int(values.min()) >= -limit and int(values.max()) <= limit):
            return values * np.int64(factor)
    return pack([value * factor for value in values.tolist()])


def decimal_text(values: Integers, scale: int, missing: Mask = None) -> Any:
    """Arrow strings of exact decimal text with `scale` decimals, null where missing (L1)."""
    if values.dtype == object or (len(values) and int(values.min()) == INT64_MIN):
        return buffers.strings([text_of(value, scale) for value in values.tolist()], missing)
    array = buffers.numeric(values.astype(np.int64, copy=False), missing)
    if scale == 0:
        return array.cast(pa.large_string())
    text = pc.utf8_lpad(pc.abs(array).cast(pa.large_string()), scale + 1, "0")
    text = pc.binary_replace_slice(text, -scale, -scale, ".")
    if len(values) and int(values.min()) < 0:
        sign = pc.if_else(
            buffers.booleans(values < 0, missing),
            buffers.string("-"),
            buffers.string(""),
        )
        text = pc.binary_join_element_wise(sign, text, buffers.string(""))
    return text


def decimal_array(values: Integers, scale: int, missing: Mask = None) -> Any:
    """Arrow decimals: decimal128 of 18 digits, or of 38 where needed; decimal256 beyond that (L1).

    Raises OverflowError where a number has more than 76 digits, or more decimals than digits allowed.
    """
    if missing is not None:
        values = np.where(missing, 0, values)
    largest = max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0
    digits = max(len(str(largest)), scale)
    if digits > 76:
        raise OverflowError(f"{digits} digits")
    kind, width = _decimal_type(digits, scale)
    if values.dtype == object:
        data = b"".join(value.to_bytes(width, "little", signed=True) for value in values.tolist())
    else:
        limbs = np.empty((len(values), width // 8), dtype="<i8")
        limbs[:, 0] = values
        limbs[:, 1:] = (values >> 63)[:, None]
        data = limbs.tobytes()
    return pa.Array.from_buffers(kind, len(values), [buffers.validity(missing), pa.py_buffer(data)])


def _decimal_type(digits: int, scale: int) -> tuple[Any, int]:
    """The narrowest of three types, and its bytes per cell; few types, so that files are alike."""
    if digits <= 18:
        return pa.decimal128(18, scale), 16
    if digits <= 38:
        return pa.decimal128(38, scale), 16
    return pa.decimal256(76, scale), 32


def from_decimal_array(array: Any) -> tuple[Integers, int]:
    """(integers, scale) of an Arrow decimal array; null cells are 0. A negative scale is multiplied out."""
    scale = int(array.type.scale)
    if array.type.bit_width < 128:
        array = array.cast(pa.decimal128(38, scale))
    limbs_per_cell = array.type.bit_width // 64
    limbs = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, limbs_per_cell) if len(array) else None
    if limbs is None:
        return np.empty(0, dtype=np.int64), max(scale, 0)
    limbs = limbs[array.offset : array.offset + len(array)]
    if array.null_count:
        limbs = np.where(buffers.missing_of(array)[:, None], 0, limbs)
    low = limbs[:, 0]
    if bool((limbs[:, 1:] == (low >> 63)[:, None]).all()):
        values: Integers = low.astype(np.int64)
    else:
        numbers = low.view("<u8").tolist()
        for place in range(1, limbs_per_cell):
            part = limbs[:, place] if place == limbs_per_cell - 1 else limbs[:, place].view("<u8")
            numbers = [n + (p << (64 * place)) for n, p in zip(numbers, part.tolist(), strict=True)]
        values = pack(numbers)
    return (rescale(values, -scale), 0) if scale < 0 else (values, scale)


def shrink(values: Integers, scale: int, least: int = 0) -> tuple[Integers, int]:
    """Drop decimals that are zero in every cell, down to `least`, where that makes the column int64.

    decimal(38, 18) columns hold prices of a few decimals in practice. With more than 18 decimals left
    the values stay objects: 10**scale is beyond int64, and arithmetic with it must not be numpy's.
    """
    if (values.dtype != object and scale <= MAX_SCALE) or scale <= least:
        return values, scale
    common = 10**scale
    for value in values.tolist():
        common = math.gcd(common, value)
    zeros = 0
    while common % 10 == 0 and scale - zeros > least:
        common //= 10
        zeros += 1
    packed = pack([value // 10**zeros for value in values.tolist()])
    if scale - zeros > MAX_SCALE and packed.dtype != object:
        packed = packed.astype(object)
    return packed, scale - zeros
