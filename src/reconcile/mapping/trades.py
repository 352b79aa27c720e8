"""Trades that stand in one row become their fills; a profit that the file tells is held against them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.mapping.cells import SourceRows, numbers_of, translated
from reconcile.mapping.schema import DirectionWords, Profit
from reconcile.tables.cells import as_text
from reconcile.tables.numbers import Numbers
from vocabulary.errors import InputError
from vocabulary.ledger import Table

Rows = npt.NDArray[np.int64]


def fills_of_round_trips(source: SourceRows, said: list[str]) -> tuple[pa.Table, Rows]:
    """Two fills for each row, and the row of each; one where the trade is still open."""
    trips = source.table.round_trips
    assert trips is not None
    shared = source.table.columns
    opening = source.columns({**shared, **trips.open})
    closing = source.columns({**shared, **trips.close})
    buys = _begins_with_buy(source, opening)
    opening = _with_side(opening, buys)
    closing = _with_side(closing, ~buys)
    closed = ~_still_open(source) & ~buffers.missing_of(_one(closing, "timestamp", source.where))
    count = source.count
    rows = np.concatenate([np.arange(count), np.arange(count)[closed]]).astype(np.int64)
    order = np.argsort(rows, kind="stable")
    closing = _typed_as(opening, closing.filter(buffers.booleans(closed)))
    both = pa.concat_tables([_typed_as(closing, opening), closing], promote_options="permissive")
    both = both.take(buffers.numeric(order.astype(np.int64)))
    said.append(
        f"fills: {count} round trips are {len(rows)} fills; {int((~closed).sum())} of them are still open."
    )
    return both, rows[order]


def _typed_as(other: pa.Table, table: pa.Table) -> pa.Table:
    """The table, its columns without a cell of the other's type: nothing tells what they would have held."""
    for at, name in enumerate(table.column_names):
        column = table.column(at)
        if name in other.column_names and column.null_count == len(column):
            table = table.set_column(at, name, pa.nulls(len(column), other.column(name).type))
    return table


def _one(table: pa.Table, name: str, where: str) -> Any:
    if name not in table.column_names:
        raise InputError(where, f"no {name} of the closing fill", "its column", "Name it in `close`.")
    return table.column(name).combine_chunks()


def _begins_with_buy(source: SourceRows, opening: pa.Table) -> npt.NDArray[np.bool_]:
    trips = source.table.round_trips
    assert trips is not None
    if isinstance(trips.side, DirectionWords):
        meaning = {**dict.fromkeys(trips.side.long, "buy"), **dict.fromkeys(trips.side.short, "sell")}
        where = f"{source.where}, column {' '.join(trips.side.column)}"
        sides = translated(source.text(trips.side.column), meaning, where, "List it in `round_trips`.")
        if sides.null_count:
            raise InputError(where, "an empty cell", "the direction of every trade", "Leave the row out.")
        return np.array([side == "buy" for side in sides.to_pylist()], dtype=bool)
    signed = _signed(source, opening)
    return np.asarray(signed < 0 if trips.side == "-sign" else signed > 0, dtype=bool)


def _signed(source: SourceRows, opening: pa.Table) -> npt.NDArray[Any]:
    if "quantity" not in opening.column_names:
        raise InputError(source.where, "no quantity", "a signed quantity", "Name it in `columns`.")
    return numbers_of(opening.column("quantity"), Numbers(), source.where, "quantity").values


def _with_side(fills: pa.Table, buys: npt.NDArray[np.bool_]) -> pa.Table:
    """The fills with a side, and their quantity without its sign."""
    words = pc.if_else(buffers.booleans(buys), buffers.string("buy"), buffers.string("sell"))
    at = fills.column_names.index("quantity") if "quantity" in fills.column_names else None
    if at is not None:
        quantity = fills.column(at).combine_chunks()
        if pa.types.is_large_string(quantity.type) or pa.types.is_string(quantity.type):
            quantity = pc.replace_substring_regex(quantity, r"^\s*-", "")
        else:
            quantity = pc.abs(quantity)
        fills = fills.set_column(at, "quantity", quantity)
    return fills.append_column("side", words)


def _still_open(source: SourceRows) -> npt.NDArray[np.bool_]:
    trips = source.table.round_trips
    assert trips is not None
    out = np.zeros(source.count, dtype=bool)
    for name, values in trips.still_open.items():
        cells = as_text(source.take(name, "Correct `still_open` in the mapping."))
        inside = pc.is_in(cells, value_set=buffers.strings([value.strip() for value in values]))
        out |= buffers.values_of(inside.cast(pa.int8())) == 1
    return out


def profit_note(source: SourceRows, fills: Table, rows: Rows | None) -> str:
    """One sentence: in how many trades the profit that the file states is the profit that the fills give.

    rows: the row of each fill, None where each row is one fill. Agreement is to half of the last digit told.
    """
    rule = source.table.profit
    assert rule is not None
    told = source.numbers(rule.column)
    at = np.arange(source.count, dtype=np.int64) if rows is None else rows
    trades = _trades(source, rule)
    fees = _commission(source, fills, rule)
    sums = _sums(fills, trades[at], fees, source.where)
    rows_of = {trade: row for row, trade in reversed(list(enumerate(trades.tolist())))}
    agree, checked, first = 0, 0, ""
    for trade, (lots, profit) in sums.items():
        row = rows_of[trade]
        if lots or told.missing[row]:
            continue  # an open trade: nothing was realised that fills could tell
        checked += 1
        said = float(told.values[row]) if told.scale is None else int(told.values[row]) / 10**told.scale
        half = 0.5 * 10.0 ** -(told.scale or 2) * (1 + 1e-9)
        if abs(said - profit) <= half + 1e-9 * abs(said):
            agree += 1
        elif not first:
            first = f"; the first other: row {row + 1}, {said:g} told, {profit:g} from its fills"
    what = "net of" if rule.of == "net" else "before"
    return f"profit: {agree} of {checked} trades agree with their fills, {what} commissions{first}."


def _trades(source: SourceRows, rule: Profit) -> npt.NDArray[Any]:
    """The number of the trade that each row belongs to."""
    if rule.trade is None:
        return np.arange(source.count, dtype=np.int64)
    cells = as_text(source.take(rule.trade, "Correct `profit` in the mapping.")).to_pylist()
    places = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    return np.array([places[cell] for cell in cells], dtype=np.int64)


def _commission(source: SourceRows, fills: Table, rule: Profit) -> npt.NDArray[np.float64] | None:
    """What each fill paid, None where the profit is before commissions."""
    if rule.of == "gross":
        return None
    if rule.commission is None:
        return _doubles(fills, "commission", source.where)
    amounts = source.amounts(rule.commission, "commission")
    paid: npt.NDArray[np.float64] = amounts.values.astype(np.float64)
    return paid if amounts.scale is None else paid / 10.0**amounts.scale


def _sums(
    fills: Table, trades: npt.NDArray[Any], paid: npt.NDArray[np.float64] | None, where: str
) -> dict[int, tuple[float, float]]:
    """By trade: the quantity left open, and the cash of its fills. Doubles do for printed digits."""
    lots, price = (_doubles(fills, name, where) for name in ("quantity", "price"))
    side = fills.columns.get("side")
    if side is None:
        raise _lacking("side", where)
    words = np.array([*(side.dictionary or ()), ""], dtype=object)[side.values]
    sign = np.where(words == "buy", 1.0, -1.0)
    cash = -sign * lots * price - (0.0 if paid is None else paid)
    size = int(trades.max()) + 1 if len(trades) else 0
    left, moved, sums = (np.bincount(trades, one, size) for one in (sign * lots, lots, cash))
    still = np.where(np.abs(left) <= 1e-9 * moved, 0.0, left)
    return {trade: (float(still[trade]), float(sums[trade])) for trade in np.unique(trades).tolist()}


def _doubles(table: Table, name: str, where: str) -> npt.NDArray[np.float64]:
    if name not in table.columns:
        raise _lacking(name, where)
    column = table.columns[name]
    values: npt.NDArray[np.float64] = column.values.astype(np.float64)
    return values if column.scale is None else values / 10.0**column.scale


def _lacking(name: str, where: str) -> InputError:
    return InputError(
        where,
        f"no {name} of the fills",
        "every column that a profit is computed from",
        "Name it, or leave out `profit`.",
    )
