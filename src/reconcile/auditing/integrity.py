"""Checks of a ledger's form: digest chain, cells, keys and order."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import Ints, Mask, as_doubles, usable
from reconcile.auditing.ledger_index import PlacedTable, repeated
from reconcile.auditing.model import Check, Finding, FindingKind, Why
from reconcile.auditing.recorder import Recorder
from reconcile.comparing.verdict import hold_chain
from reconcile.ledger.digest import FaultKind, fault_text
from reconcile.matching.model import ChainState
from vocabulary.ledger import KEYS, Kind, Ledger
from vocabulary.state import Side, Status


def check_chain(recorder: Recorder, ledger: Ledger) -> None:
    """The tables give the digest chain of the manifest. Without a chain there is nothing to check."""
    held = hold_chain(ledger)
    if held.state is ChainState.NONE:
        return
    if held.state is ChainState.NOT_HELD:
        recorder.not_made(
            Check.CHAIN, "tables or columns that the chain may have been written for", Why.LACKING
        )
        return
    recorder.made(Check.CHAIN, len(ledger.manifest.chain or ()))
    if held.state is ChainState.BROKEN:
        fault = held.fault
        how = None if fault is None or fault.kind is FaultKind.EDITED else fault_text(fault, "its", "here")
        recorder.add(
            Finding(Check.CHAIN, FindingKind.EDITED, "manifest.chain", (), held.edited_at, None, how, None)
        )


MAY_BE_EMPTY = {("orders", "rebalance"), ("equity", "rebalance"), ("orders", "reason"), ("fills", "reason")}
MAY_BE_EMPTY |= {("flows", "symbol")}
WORDS = {"side": [side.value for side in Side], "status": [status.value for status in Status]}
UNSIGNED = {("fills", "quantity"), ("fills", "price"), ("fills", "commission"), ("orders", "quantity")}
MAY_BE_REBATES = ("fills", "commission")
"""Of a foreign ledger: a negative fee is a rebate."""
UNSIGNED |= {("fills", "notional"), ("fills", "slippage"), ("orders", "filled"), ("positions", "mark")}


def check_cells(recorder: Recorder) -> None:
    """No cell is empty, NaN, infinite, an unknown word, or negative where the side gives the sign."""
    foreign = recorder.index.ledger.manifest.semantics is None
    for placed in recorder.index.tables.values():
        for name, column in placed.table.columns.items():
            if (placed.name, name) in MAY_BE_EMPTY:
                continue
            full = usable(column)
            wrong = ~full
            if name in WORDS and column.dictionary is not None:
                known = np.array([*(word in WORDS[name] for word in column.dictionary), False], np.bool_)
                wrong |= ~known[np.where(full, column.values, len(known) - 1)]
            rebates = foreign and (placed.name, name) == MAY_BE_REBATES
            if (
                (placed.name, name) in UNSIGNED
                and not rebates
                and column.kind not in (Kind.WORD, Kind.SYMBOL)
            ):
                wrong |= full & np.asarray(column.values < 0, np.bool_)
            recorder.made(Check.CELLS, placed.table.rows)
            recorder.add_where(Check.CELLS, FindingKind.CELL, placed.field(name), wrong)


def check_keys(recorder: Recorder) -> None:
    """One row per bar in costs and equity, per bar and symbol in positions, per sequence number in fills."""
    for name in ("positions", "costs", "equity"):
        placed = recorder.index.get(name)
        if placed is not None and all(key in placed for key in KEYS[name]):
            recorder.made(Check.KEYS, placed.table.rows)
            again = ~placed.stands
            recorder.add_where(Check.KEYS, FindingKind.DUPLICATE, placed.field(KEYS[name][-1]), again)
    fills = recorder.index.get("fills")
    if fills is not None and "sequence" in fills:
        full = fills.full("sequence")
        again = np.zeros(fills.table.rows, np.bool_)
        again[full] = repeated(fills.table.columns["sequence"].values[full])
        recorder.made(Check.KEYS, fills.table.rows)
        recorder.add_where(Check.KEYS, FindingKind.DUPLICATE, fills.field("sequence"), again)


def note_fees(recorder: Recorder) -> None:
    """Note commissions below zero in a foreign ledger: they may be rebates, or have the wrong sign."""
    fills, costs = recorder.index.get("fills"), recorder.index.get("costs")
    if recorder.index.ledger.manifest.semantics is not None or fills is None or "commission" not in fills:
        return
    fees = as_doubles(fills.amounts("commission")).values
    below, above = int((fees < 0).sum()), int((fees > 0).sum())
    if below:
        recorder.notes.append(
            f"commission is below zero in {below:,} of {fills.table.rows:,} fills, and above in {above:,}:"
            " rebates, or the sign is turned."
        )
    if costs is not None and "commission" in costs:
        booked = as_doubles(costs.amounts("commission")).values
        if bool((fees != 0).any()) and float(np.nansum(fees)) * float(np.nansum(booked)) < 0:
            recorder.notes.append("commission has one sign in fills and the other in costs.")


def note_twins(recorder: Recorder) -> None:
    """Note fills that are alike in everything but their sequence number."""
    fills = recorder.index.get("fills")
    if fills is None or "timestamp" not in fills or "symbol" not in fills:
        return
    rows = np.flatnonzero(repeated(fills.time, fills.symbol) | _repeated_later(fills.time, fills.symbol))
    if not len(rows):
        return
    codes = []
    for name, column in fills.table.columns.items():
        if name != "sequence":
            codes.append(np.unique(column.values[rows], return_inverse=True)[1].astype(np.int64))
            if column.missing is not None:
                codes.append(column.missing[rows].astype(np.int64))
    twins = rows[repeated(*codes)]
    if len(twins):
        recorder.notes.append(
            f"fills like an earlier one in everything: {len(twins):,}, the first in row {twins[0] + 1:,}."
        )


def _repeated_later(*keys: Ints) -> Mask:
    """Which rows have the key of a later row."""
    return repeated(*(key[::-1] for key in keys))[::-1]


def check_sequence(recorder: Recorder) -> None:
    """No fill is earlier in time than a fill with a lower sequence number."""
    fills = recorder.need(Check.SEQUENCE, "fills", "timestamp", "sequence")
    if fills is None:
        return
    rows = np.flatnonzero(fills.full("timestamp", "sequence"))
    order = rows[np.argsort(fills.table.columns["sequence"].values[rows], kind="stable")]
    backwards = np.flatnonzero(fills.time[order][1:] < fills.time[order][:-1]) + 1
    recorder.made(Check.SEQUENCE, len(order))
    recorder.add_rows(Check.SEQUENCE, FindingKind.SEQUENCE, fills.field("timestamp"), order[backwards])


def shuffled(placed: PlacedTable) -> bool:
    """Whether rows are out of time order."""
    return bool((placed.time[1:] < placed.time[:-1]).any())
