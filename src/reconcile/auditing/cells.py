"""Cells, keys and order: whether the tables can be read as a ledger at all."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import usable
from reconcile.auditing.layout import Placed, repeated
from reconcile.auditing.model import Check, FindingKind
from reconcile.auditing.sink import Sink
from vocabulary.ledger import KEYS, Kind
from vocabulary.state import Side, Status

MAY_BE_EMPTY = {("orders", "rebalance"), ("equity", "rebalance"), ("orders", "reason"), ("fills", "reason")}
WORDS = {"side": [side.value for side in Side], "status": [status.value for status in Status]}
UNSIGNED = {("fills", "quantity"), ("fills", "price"), ("fills", "commission"), ("orders", "quantity")}
UNSIGNED |= {("fills", "notional"), ("fills", "slippage"), ("orders", "filled"), ("positions", "mark")}


def check_cells(sink: Sink) -> None:
    """Empty cells, NaN and infinities, unknown words, negative amounts where a side gives the sign."""
    for placed in sink.ground.tables.values():
        for name, column in placed.table.columns.items():
            if (placed.name, name) in MAY_BE_EMPTY:
                continue
            full = usable(column)
            wrong = ~full
            if name in WORDS and column.dictionary is not None:
                known = np.array([*(word in WORDS[name] for word in column.dictionary), False], np.bool_)
                wrong |= ~known[np.where(full, column.values, len(known) - 1)]
            if (placed.name, name) in UNSIGNED and column.kind not in (Kind.WORD, Kind.SYMBOL):
                with np.errstate(invalid="ignore"):
                    wrong |= full & np.asarray(column.values < 0, np.bool_)
            sink.made(Check.CELLS, placed.table.rows)
            sink.rows(Check.CELLS, FindingKind.CELL, placed, name, np.flatnonzero(wrong).tolist())


def check_keys(sink: Sink) -> None:
    """One row a bar in costs and equity, one a bar and symbol in positions, one fill a sequence number."""
    for name in ("positions", "costs", "equity"):
        placed = sink.ground.get(name)
        if placed is not None and all(key in placed for key in KEYS[name]):
            sink.made(Check.KEYS, placed.table.rows)
            rows = np.flatnonzero(~placed.first).tolist()
            sink.rows(Check.KEYS, FindingKind.DUPLICATE, placed, KEYS[name][-1], rows)
    fills = sink.ground.get("fills")
    if fills is not None and "sequence" in fills:
        full = fills.full("sequence")
        again = np.zeros(fills.table.rows, np.bool_)
        again[full] = repeated(fills.table.columns["sequence"].values[full])
        sink.made(Check.KEYS, fills.table.rows)
        sink.rows(Check.KEYS, FindingKind.DUPLICATE, fills, "sequence", np.flatnonzero(again).tolist())


def check_sequence(sink: Sink) -> None:
    """A fill with a higher number does not stand earlier in time."""
    fills = sink.need(Check.SEQUENCE, "fills", "timestamp", "sequence")
    if fills is None:
        return
    rows = np.flatnonzero(fills.full("timestamp", "sequence"))
    order = rows[np.argsort(fills.table.columns["sequence"].values[rows], kind="stable")]
    backwards = np.flatnonzero(fills.time[order][1:] < fills.time[order][:-1]) + 1
    sink.made(Check.SEQUENCE, len(order))
    sink.rows(Check.SEQUENCE, FindingKind.SEQUENCE, fills, "timestamp", order[backwards].tolist())


def shuffled(placed: Placed) -> bool:
    """Whether rows stand out of time order."""
    return bool((placed.time[1:] < placed.time[:-1]).any())
