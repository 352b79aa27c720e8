"""Prices in ticks (U1), and which are missing, zero or an error (M2). Only here are prices rounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from reconcile.files.buffers import BLOCK, Chunk, Column, cells_of, number_dtype, pieces, plain, valid_of
from reconcile.market.columns import as_doubles, no_numbers_error
from vocabulary.errors import InputError, RangeError, TieoutError
from vocabulary.market import Bools, Floats, Ints

LIMIT = 2.0**63
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class OddRows:
    """How many rows have an oddity, and the first of them (-1: none has it)."""

    count: int = 0
    first: int = -1

    def with_block(self, flags: Bools, start: int) -> OddRows:
        """These and the flagged rows of a block that begins at row `start`."""
        count = int(np.count_nonzero(flags))
        if not count:
            return self
        return OddRows(self.count + count, self.first if self.count else start + int(np.argmax(flags)))


@dataclass(frozen=True, slots=True, eq=False)
class PriceRows:
    """ticks: (n,) one per row, 0 where missing. missing, zero: rows whose symbol is absent for it (M2)."""

    ticks: Ints
    missing: OddRows
    zero: OddRows


@dataclass(frozen=True, slots=True)
class Pricing:
    """What errors about a price need. where: a row's file, number, symbol and bar as text."""

    decimals: int
    where: Callable[[int], str]


def price_rows(column: Column, source: str, name: str, pricing: Pricing) -> PriceRows:
    """One price column in ticks.

    U1: floats by round-half-even of value * 10**decimals in double arithmetic; integers and decimals
    exactly (a decimal with more places: round half even of the exact value).
    Raises InputError for a negative price, for one > 0 that rounds to 0 ticks, and for columns that hold
    no numbers; RangeError for ticks beyond int64 (U4).
    """
    column = plain(column)
    ticks = np.empty(len(column), dtype=np.int64)
    missing, zero = OddRows(), OddRows()
    for start, piece in pieces(column):
        out = ticks[start : start + len(piece)]
        if pa.types.is_decimal(piece.type):
            absent = _decimal_ticks(piece, out, start, name, pricing)
        elif pa.types.is_integer(piece.type):
            absent = _integer_ticks(piece, out, start, name, pricing)
        else:
            values = as_doubles(piece)
            if values is None:
                raise no_numbers_error(source, name, column)
            missing, zero = _float_ticks(values, out, start, name, pricing, missing, zero)
            continue
        gone = np.zeros(len(piece), dtype=np.bool_) if absent is None else absent
        missing, zero = missing.with_block(gone, start), zero.with_block((out == 0) & ~gone, start)
    return PriceRows(ticks, missing, zero)


def _float_ticks(
    values: Floats, out: Ints, start: int, name: str, pricing: Pricing, missing: OddRows, zero: OddRows
) -> tuple[OddRows, OddRows]:
    scale = 10.0**pricing.decimals
    scratch = np.empty(min(BLOCK, len(values)))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(0, len(values), BLOCK):
            block = values[i : i + BLOCK]
            scaled = scratch[: len(block)]
            np.multiply(block, scale, out=scaled)
            np.rint(scaled, out=scaled)  # half to even
            if scaled.min() > 0 and scaled.max() < LIMIT:  # a NaN fails both
                out[i : i + BLOCK] = scaled
                continue
            finite = np.isfinite(block)
            _refuse_values(block, scaled, finite, start + i, name, pricing)
            out[i : i + BLOCK] = np.where(finite, scaled, 0.0)
            missing = missing.with_block(~finite, start + i)
            zero = zero.with_block(finite & (block == 0), start + i)
    return missing, zero


def _refuse_values(
    block: Floats, scaled: Floats, finite: Bools, start: int, name: str, pricing: Pricing
) -> None:
    """Raises for the first row of a block whose price M2 or U4 refuses."""
    negative = finite & (block < 0)
    vanishing = finite & (block > 0) & (scaled == 0)
    beyond = finite & ~(scaled < LIMIT)
    bad = negative | vanishing | beyond
    if not bad.any():
        return
    row = int(np.argmax(bad))
    value = repr(float(block[row]))
    if negative[row]:
        raise negative_price(start + row, name, value, pricing)
    if vanishing[row]:
        raise vanishing_price(start + row, name, value, pricing)
    raise beyond_int64(start + row, name, value, pricing)


def negative_price(row: int, name: str, value: str, pricing: Pricing) -> TieoutError:
    return InputError(
        f"{pricing.where(row)}, column {name!r}",
        f"the price {value}",
        "a price >= 0 (0 and missing count as absent)",
        "Correct it, or leave it empty.",
    )


def vanishing_price(row: int, name: str, value: str, pricing: Pricing) -> TieoutError:
    return InputError(
        f"{pricing.where(row)}, column {name!r}",
        f"the price {value}, which is 0 ticks at price_decimals = {pricing.decimals}",
        "a price of at least one tick",
        "Raise market.price_decimals, or correct the price.",
    )


def beyond_int64(row: int, name: str, value: str, pricing: Pricing) -> TieoutError:
    return RangeError(
        f"{pricing.where(row)}, column {name!r}",
        f"the price {value}, beyond int64 at price_decimals = {pricing.decimals}",
        "less than 2**63 ticks",
        "Lower market.price_decimals, or correct the price.",
    )


def _integer_ticks(piece: Chunk, out: Ints, start: int, name: str, pricing: Pricing) -> Bools | None:
    """Write the exact ticks to `out`; returns which rows are missing, None when none is."""
    values = cells_of(piece, number_dtype(piece.type) or np.int64)
    valid = valid_of(piece)
    if valid is not None:
        values = np.where(valid, values, np.zeros(1, dtype=values.dtype))
    if int(values.min()) < 0:
        row = int(np.argmax(values < 0))
        raise negative_price(start + row, name, str(values[row]), pricing)
    factor = 10**pricing.decimals
    if int(values.max()) > int(_INT64.max) // factor:
        row = int(np.argmax(values > int(_INT64.max) // factor))
        raise beyond_int64(start + row, name, str(values[row]), pricing)
    np.multiply(values.astype(np.int64, copy=False), factor, out=out)
    return None if valid is None else ~valid


def _decimal_ticks(piece: Chunk, out: Ints, start: int, name: str, pricing: Pricing) -> Bools | None:
    """As `_integer_ticks`, rounded half to even where there are more decimals than a tick has."""
    exact = piece
    if piece.type.scale > pricing.decimals:
        import pyarrow.compute as pc  # imported here: it loads slowly, and few markets need it

        # wide first: 99.51 rounds to 100, which has one digit more than decimal(4, 2) holds
        wide = piece.cast(pa.decimal256(76, piece.type.scale))
        piece = pc.round(wide, ndigits=pricing.decimals, round_mode="half_to_even")
    try:
        piece = piece.cast(pa.decimal128(38, pricing.decimals))
    except pa.ArrowInvalid:
        row = next(
            i for i, value in enumerate(exact.to_pylist()) if value is not None and not _fits(value, pricing)
        )
        raise beyond_int64(start + row, name, str(exact[row]), pricing) from None
    words = np.frombuffer(piece.buffers()[1], dtype="<i8", count=2 * len(piece), offset=16 * piece.offset)
    low, high = words[0::2], words[1::2]
    valid = valid_of(piece)
    there = np.ones(len(piece), dtype=np.bool_) if valid is None else valid
    negative = there & (high < 0)
    beyond = there & ~negative & ((high != 0) | (low < 0))
    bad = negative | beyond
    if bad.any():
        row = int(np.argmax(bad))
        refuse = negative_price if negative[row] else beyond_int64
        raise refuse(start + row, name, str(exact[row]), pricing)
    np.copyto(out, np.where(there, low, 0))
    for row in np.flatnonzero(there & (out == 0)).tolist():
        value = exact[row].as_py()
        if value != 0:
            refuse = negative_price if value < 0 else vanishing_price
            raise refuse(start + row, name, str(value), pricing)
    return None if valid is None else ~valid


def _fits(value: Decimal, pricing: Pricing) -> bool:
    return bool(abs(value) * 10**pricing.decimals < 2**63)
