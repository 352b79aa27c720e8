"""Notes on oddities of the input: one sentence per kind, with a count and the first example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from reconcile.files.instants import show_instant
from reconcile.market.grid import Layout
from reconcile.market.prices import OddRows
from vocabulary.market import Bools, Floats, Ints

PRICES = ("open", "high", "low", "close")
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The grids in which oddities are looked for."""

    layout: Layout
    prices: Mapping[str, Ints]
    present: Bools
    volume: Floats | None


def order_note(layout: Layout) -> list[str]:
    if layout.unsorted is None:
        return []
    first = f"first out of place: row {layout.unsorted + 1}"
    return [f"rows were not in order of timestamp and symbol, so they were sorted ({first})"]


def price_notes(
    missing: Mapping[str, OddRows], zero: Mapping[str, OddRows], where: Callable[[int], str]
) -> list[str]:
    """Notes on rows whose symbol is absent because of a price (M2)."""
    notes = []
    for what, found in (("missing", missing), ("0", zero)):
        odd = {name: cells for name, cells in found.items() if cells.count}
        if odd:
            counts = ", ".join(f"{name} {cells.count:,}" for name, cells in odd.items())
            first = min(cells.first for cells in odd.values())
            notes.append(
                f"prices that are {what} make the symbol absent there: {counts} (first: {where(first)})"
            )
    return notes


def cell_notes(cells: Cells) -> list[str]:
    """Notes on gaps, on symbols that start late or end early, and on prices that contradict each other."""
    return [*_life_notes(cells), *_range_notes(cells), *_volume_notes(cells)]


def _life_notes(cells: Cells) -> list[str]:
    notes = []
    filled = cells.layout.filled
    if filled is not None:
        bars = len(filled)
        first = np.argmax(filled, axis=0)
        last = bars - 1 - np.argmax(filled[::-1], axis=0)
        bar = np.arange(bars)[:, None]
        gaps = ~filled & (bar > first) & (bar < last)
        notes += _cell_note(cells, gaps, "no row for a symbol between its first and its last, absent there")
        notes += _symbol_note(cells, np.flatnonzero(first > 0), first, "start after the first bar")
        notes += _symbol_note(cells, np.flatnonzero(last < bars - 1), last, "end before the last bar")
    never = np.flatnonzero(~cells.present.any(axis=0))
    if len(never):
        names = cells.layout.symbols
        notes.append(f"{len(never):,} of {len(names):,} symbols are never present (first: {names[never[0]]})")
    return notes


def _range_notes(cells: Cells) -> list[str]:
    p, there = cells.prices, cells.present
    if all(_in_range(p, block) for block in _blocks(cells)):
        return []
    return [
        *_scan(cells, "high below low", lambda i: there[i] & (p["high"][i] < p["low"][i])),
        *_scan(
            cells,
            "open outside the range of high and low",
            lambda i: there[i] & ((p["open"][i] > p["high"][i]) | (p["open"][i] < p["low"][i])),
        ),
        *_scan(
            cells,
            "close outside the range of high and low",
            lambda i: there[i] & ((p["close"][i] > p["high"][i]) | (p["close"][i] < p["low"][i])),
        ),
    ]


def _volume_notes(cells: Cells) -> list[str]:
    volume = cells.volume
    if volume is None or all(volume[block].min() > 0 for block in _blocks(cells)):  # which a NaN is not
        return []
    there = cells.layout.filled
    rows: Bools = np.broadcast_to(np.True_, volume.shape) if there is None else there
    return [
        *_scan(cells, "volume 0", lambda i: volume[i] == 0),
        *_scan(cells, "volume below 0", lambda i: volume[i] < 0),
        *_scan(cells, "volume missing", lambda i: rows[i] & np.isnan(volume[i])),
    ]


def _in_range(prices: Mapping[str, Ints], block: slice) -> bool:
    """Whether open and close lie within low..high in all cells; of an absent symbol all four are 0."""
    o, h, lo, c = (prices[name][block] for name in PRICES)
    return not ((np.maximum(o, c) > h).any() or (np.minimum(o, c) < lo).any())


def _blocks(cells: Cells) -> Iterator[slice]:
    """The bars in blocks of a size that stays in the processor's cache."""
    bars, symbols = cells.layout.shape
    step = max(1, _BLOCK // symbols)
    return (slice(t, t + step) for t in range(0, bars, step))


def _scan(cells: Cells, what: str, test: Callable[[slice], Bools]) -> list[str]:
    """The note on all cells for which a test holds, tested block by block."""
    odd = OddRows()
    for block in _blocks(cells):
        odd = odd.with_block(test(block).reshape(-1), block.start * len(cells.layout.symbols))
    return _note(cells, odd, what)


def _cell_note(cells: Cells, flags: Bools, what: str) -> list[str]:
    return _note(cells, OddRows().with_block(flags.reshape(-1), 0), what)


def _note(cells: Cells, odd: OddRows, what: str) -> list[str]:
    if not odd.count:
        return []
    bar, symbol = divmod(odd.first, len(cells.layout.symbols))
    at = show_instant(int(cells.layout.timestamps[bar]))
    return [f"{what}: {odd.count:,} (first: {cells.layout.symbols[symbol]}, {at})"]


def _symbol_note(cells: Cells, who: Ints, bars: Ints, what: str) -> list[str]:
    if not len(who):
        return []
    names = cells.layout.symbols
    at = show_instant(int(cells.layout.timestamps[bars[who[0]]]))
    return [f"{len(who):,} of {len(names):,} symbols {what} (first: {names[who[0]]}, {at})"]
