"""Notes on a candidate whose rows are at no bar, or of no symbol, of the market: nothing can be explained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vocabulary.ledger import TIME_COLUMN, Column, Ledger
from vocabulary.market import Market


def strangers(ledger: Ledger, market: Market) -> tuple[str, ...]:
    """A note where no timestamp of a ledger is a bar, and one where none of its symbols is the market's."""
    return (*_no_bar(ledger, market), *_no_symbol(ledger, market))


def _no_bar(ledger: Ledger, market: Market) -> Iterator[str]:
    from reconcile.text.times import stamp

    found = [each for name in ledger.tables for each in _columns(ledger, name, TIME_COLUMN[name])]
    if found and not any(np.isin(column.values, market.timestamps).any() for column in found):
        theirs, ours = int(found[0].values.min()), int(market.timestamps[0])
        yield (
            f"No timestamp of the candidate is a bar of the market: its first is {stamp(market, theirs)}, "
            f"the market's {stamp(market, ours)}."
        )


def _no_symbol(ledger: Ledger, market: Market) -> Iterator[str]:
    found = [each for name in ledger.tables for each in _columns(ledger, name, "symbol")]
    names = {name for column in found for name in column.dictionary or ()}
    if names and names.isdisjoint(market.symbols):
        yield (
            f"No symbol of the candidate is one of the market: it has {min(names)}, "
            f"the market {min(market.symbols)}."
        )


def _columns(ledger: Ledger, name: str, column: str) -> list[Column]:
    """A table's column, where it is there and holds rows."""
    table = ledger.tables[name]
    return [table.columns[column]] if table.rows and column in table.columns else []
