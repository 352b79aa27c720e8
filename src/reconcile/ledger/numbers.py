"""Numbers of a file or frame as a Column: exact where the data is exact.

Integers, decimals and decimal text become integers with a scale; binary floats stay float64 with scale
None (L2). A NaN is an empty cell, as nothing is known of it; an infinity is a value, and a float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers, decimals, integers
from reconcile.files.integers import MAX_SCALE, Integers
from reconcile.files.limits import DIGITS, STATED_DIGITS
from reconcile.files.places import Place, bad_cell, bad_column
from vocabulary import Column, Kind

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?", re.ASCII)
_NAN_BYTES = np.frombuffer(b"nN", dtype=np.uint8)
_INFINITE = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
_PLAIN = np.zeros(256, dtype=bool)
_PLAIN[np.frombuffer(b"0123456789.-", dtype=np.uint8)] = True
_EXPECTED = "a decimal number such as -1234.50"


@dataclass(frozen=True, slots=True)
class Hint:
    """What a manifest of ours adds to a column of a file. Where the two disagree the file is right: its
    further decimals and words are kept.

    scale: decimals the column has at least; with it, numbers of any length are exact.
    floats: text is read to the nearest double.
    words: the dictionary, in order.
    """

    scale: int | None = None
    floats: bool = False
    words: tuple[str, ...] = ()


def number_column(kind: Kind, array: Any, place: Place, hint: Hint) -> Column:
    """The Column of an Arrow array of numbers or decimal text. kind: COUNT, PRICE, QUANTITY, MONEY or RATE.

    Raises InputError naming column, row and value.
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if _is_text(array.type):
        array = _without_nan(array.cast(pa.large_string()))
    missing = buffers.missing_of(array)
    values, scale = _values(array, place, hint)
    if scale is None:
        missing |= np.isnan(values)
    mask = missing if missing.any() else None
    if kind is Kind.COUNT:
        values, scale = _whole(values, scale, missing, place), 0
    if mask is not None:
        values = np.where(mask, -1 if kind is Kind.COUNT else np.nan if scale is None else 0, values)
    return Column(kind, values, None, scale, mask)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _without_nan(text: Any) -> Any:
    """The text with null for every NaN: an empty cell."""
    if not len(text) or not bool(np.isin(_bytes(text), _NAN_BYTES).any()):
        return text
    nan = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), value_set=buffers.strings(["nan"]))
    return pc.if_else(nan, pa.nulls(1, text.type)[0], text)


def _bounds(text: Any) -> npt.NDArray[np.int64]:
    """Offsets of a large_string array's cells into its data."""
    return np.frombuffer(text.buffers()[1], dtype=np.int64)[text.offset : text.offset + len(text) + 1]


def _bytes(text: Any) -> npt.NDArray[np.uint8]:
    """All bytes of a large_string array's cells, one after another; it has at least one cell."""
    bounds = _bounds(text)
    return np.frombuffer(text.buffers()[2] or b"", dtype=np.uint8)[bounds[0] : bounds[-1]]


def _values(array: Any, place: Place, hint: Hint) -> tuple[npt.NDArray[Any], int | None]:
    """Values with their scale, None for floats; the value of a null cell is arbitrary."""
    kind, least = array.type, hint.scale or 0
    if pa.types.is_null(kind):
        return np.zeros(len(array), dtype=np.int64), least
    if _is_text(kind):
        return _from_text(array, place, hint)
    if pa.types.is_floating(kind):
        return buffers.values_of(array.cast(pa.float64()), np.nan), None
    if pa.types.is_integer(kind):
        values = buffers.values_of(array)
        packed = integers.pack(values.tolist()) if values.dtype == np.uint64 else values.astype(np.int64)
        return integers.rescale(packed, least), least
    if pa.types.is_decimal(kind):
        values, scale = integers.from_decimal_array(array)
        values, scale = integers.shrink(values, scale, least)
        return integers.rescale(values, max(least - scale, 0)), max(least, scale)
    raise bad_column(
        place, f"{kind} cells", "numbers", "Write the column as integers, decimals, floats or text."
    )


def _whole(
    values: npt.NDArray[Any], scale: int | None, missing: npt.NDArray[np.bool_], place: Place
) -> Integers:
    """Counts as int64. pandas makes counts with gaps floats, so 17.0 is the count 17."""
    values = np.where(missing, 0, values)
    if scale is None:
        wrong = ~(np.abs(values) < 2.0**63) | (np.floor(values) != values)
    elif scale:
        unit = 10**scale
        wrong = np.array([value % unit != 0 for value in values.tolist()], dtype=bool)
    else:
        wrong = np.zeros(len(values), dtype=bool)
    if scale is not None and values.dtype == object:
        unit = 10**scale
        wrong |= np.array([abs(value // unit) > integers.INT64_MAX for value in values.tolist()], dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = float(values[row]) if scale is None else decimals.text_of(int(values[row]), scale)
        raise bad_cell(place, row, cell, "a whole number")
    return (values // 10**scale if scale else values).astype(np.int64)


_EXACT_DIGITS = 15
"""Decimal digits that every double holds; text with more was printed from a double, or is exact."""


def _is_text_of_doubles(text: Any) -> bool:
    """Whether a column of a foreign file is doubles printed in full.

    A cell has more than 15 digits, and every such cell is the shortest text of its nearest double. Then the
    same ledger as CSV and as Parquet is the same ledger.
    """
    if not len(text):
        return False
    lengths = np.diff(_bounds(text))  # in bytes, of which a number has no fewer than digits
    long = text.take(buffers.numeric(np.flatnonzero(lengths > _EXACT_DIGITS + 1)))
    found = False
    for cell in pc.utf8_trim_whitespace(long).to_pylist():
        mantissa = cell.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
        if len(mantissa) <= _EXACT_DIGITS:
            continue
        try:
            if Decimal(cell) != Decimal(repr(float(cell))):
                return False
        except (ArithmeticError, ValueError):
            return False
        found = True
    return found


def _from_text(text: Any, place: Place, hint: Hint) -> tuple[npt.NDArray[Any], int | None]:
    if (hint.floats or (hint.scale is None and _is_text_of_doubles(text))) and (
        doubles := _doubles(text)
    ) is not None:
        return doubles, None
    plain = _plain(text, hint.scale or 0)
    return _any_text(text, place, hint.scale) if plain is None else plain


def _doubles(text: Any) -> npt.NDArray[np.float64] | None:
    """Text of floats as we write them; None when there is other text."""
    try:
        return buffers.values_of(text.cast(pa.float64()), np.nan)
    except pa.ArrowException:
        return None


def _plain(text: Any, least: int) -> tuple[Integers, int] | None:
    """Text of digits, point and leading minus, converted by column; None for any other text."""
    text = text.fill_null(buffers.string("0"))
    if not len(text):
        return np.empty(0, dtype=np.int64), least
    data = _bytes(text)
    minuses = int(np.count_nonzero(data == ord("-")))
    if not bool(_PLAIN[data].all()) or (minuses and minuses != pc.sum(pc.starts_with(text, "-")).as_py()):
        return None
    points = buffers.values_of(pc.find_substring(text, "."))
    decimals = np.where(points < 0, 0, np.diff(_bounds(text)) - points - 1)
    scale = max(int(decimals.max()), least)
    if scale > MAX_SCALE:
        return None
    try:
        digits = (
            pc.replace_substring(text, ".", "", max_replacements=1) if bool((points >= 0).any()) else text
        )
        values = buffers.values_of(digits.cast(pa.int64()))
    except pa.ArrowException:
        return None
    if bool((decimals == scale).all()):
        return values, scale
    factors = np.power(np.int64(10), scale - decimals)
    if bool(
        (values < -(integers.INT64_MAX // factors)).any() or (values > integers.INT64_MAX // factors).any()
    ):
        return None
    return values * factors, scale


def _any_text(text: Any, place: Place, known: int | None) -> tuple[npt.NDArray[Any], int | None]:
    """Text of any form, each distinct text read once: exponents, plus signs, spaces, infinities.

    known: the scale that our manifest states, None where it states none.
    """
    most, digits = max(MAX_SCALE, known or 0), DIGITS if known is None else STATED_DIGITS
    encoded = text.dictionary_encode()
    words: list[str] = encoded.dictionary.to_pylist()
    codes = buffers.values_of(encoded.indices, len(words))
    parsed = []
    for code, word in enumerate(words):
        try:
            parsed.append(_parse(word.strip(), most, digits))
        except ValueError:
            raise bad_cell(place, int(np.argmax(codes == code)), word, _EXPECTED) from None
    scale = max([known or 0, *(number[1] for number in parsed if number is not None)])
    numbers = [number[0] * 10 ** (scale - number[1]) for number in parsed if number is not None]
    if len(numbers) < len(parsed) or any(abs(number) >= 10**digits for number in numbers):
        return np.array([*(float(word.strip()) for word in words), np.nan])[codes], None
    packed = integers.pack([*numbers, 0])
    return (packed if scale <= MAX_SCALE else packed.astype(object))[codes], scale


def _parse(word: str, most_decimals: int, most_digits: int) -> tuple[int, int] | None:
    """(integer, decimals), None when it is infinite or absurdly long; ValueError when it is no number."""
    if word.lower() in _INFINITE:
        return None
    match = _NUMBER.fullmatch(word)
    if match is None or not (match[2] or match[3]):
        raise ValueError(word)
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (whole + fraction).lstrip("0") or "0"
    decimals = len(fraction) - exponent
    if digits == "0":
        return 0, min(max(decimals, 0), most_decimals)
    if decimals > most_decimals:
        kept = max(len(digits.rstrip("0")), len(digits) - (decimals - most_decimals))
        digits, decimals = digits[:kept], decimals - (len(digits) - kept)
    if len(digits) - min(decimals, 0) > most_digits or decimals > most_decimals:
        return None
    value = int(digits) * 10 ** max(-decimals, 0)
    return (-value if sign == "-" else value), max(decimals, 0)
