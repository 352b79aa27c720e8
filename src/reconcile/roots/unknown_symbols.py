"""Rows under a symbol that the market does not know, and the symbol they are meant for.

Where such a row equals one of the other side in all but its symbol, it is that row, told under another name:
the resync reads it so, and the name is the one thing wrong with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from reconcile.matching.breaks import TABLES, Breaks
from reconcile.matching.cells import cell
from reconcile.matching.diff_tables import cell_type
from reconcile.roots.findings import Finding, Run
from reconcile.roots.rows import LedgerRows
from vocabulary.market import Market

SYMBOL = "symbol"
Meant = Mapping[tuple[str, int], int]
"""(table, row) -> place in the market of the symbol that a row is meant for."""


def meant_symbols(breaks: Breaks, is_candidate: bool, market: Market) -> Meant:
    """The rows of one side whose symbol the market does not know and the other side's row tells."""
    places = {symbol: place for place, symbol in enumerate(market.symbols)}
    c = breaks.columns
    sides = (breaks.reference, c.reference_row), (breaks.candidate, c.candidate_row)
    (there, other_rows), (here, own_rows) = sides if is_candidate else reversed(sides)
    out: dict[tuple[str, int], int] = {}
    for at in np.flatnonzero(c.field == breaks.names.index(SYMBOL)).tolist():
        table, own, other = TABLES[c.table[at]], int(own_rows[at]), int(other_rows[at])
        if cell(here.tables[table].columns[SYMBOL], own) in places:
            continue
        place = places.get(str(cell(there.tables[table].columns[SYMBOL], other)))
        if place is not None:
            out[table, own] = place
    return out


def misspelled(rows: LedgerRows, meant: Meant, market: Market) -> list[Run]:
    """One run for as long as the rows of a table and symbol are told under another name."""
    runs: list[Run] = []
    for name in dict.fromkeys(table for table, _ in meant):
        table = rows.tables[name]
        by_symbol: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for bar, found in sorted(table.by_bar.items()):
            for at in found:
                by_symbol[table.symbols[at]].append((bar, at))
        for symbol, places in by_symbol.items():
            run: Run | None = None
            for bar, at in places:
                if (name, at) not in meant:
                    run = None
                    continue
                side = table.columns.get("side")
                finding = Finding(
                    name,
                    SYMBOL,
                    cell_type(name, SYMBOL),
                    bar,
                    symbol,
                    None if side is None else side[at],
                    at,
                    market.symbols[symbol],
                    table.columns[SYMBOL][at],
                )
                if run is None:
                    run = Run([])
                    runs.append(run)
                run.findings.append(finding)
    return runs
