"""M1: the grid of bars by symbols, and the cell of each row. Rows already in place are not copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from reconcile.files.instants import show_instant
from reconcile.market.columns import Codes, Instants, row_name
from vocabulary.errors import InputError
from vocabulary.market import Bools, Ints

Number = TypeVar("Number", bound=np.generic)

_COLUMNS = 16
"""How many grids of 8 bytes per cell a load may hold at once; their sum has to fit into memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where each row goes on the grid of T bars by S symbols.

    cells: (n,) flat cell of each row; None when row i is cell i and the grid is full.
    filled: (T, S) where a row stands; None when one stands everywhere.
    unsorted: the first row that is out of order; None when all are in order.
    """

    timestamps: Ints
    symbols: tuple[str, ...]
    cells: Ints | None
    filled: Bools | None
    unsorted: int | None

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.timestamps), len(self.symbols)


def lay_out(times: Instants, names: Codes, source: str) -> Layout:
    """The layout of these rows. Raises InputError that names two rows of one (timestamp, symbol)."""
    symbols = len(names.names)
    dense = _dense(times.rows, names.rows, symbols)
    if dense is not None:
        return Layout(dense, names.names, None, None, None)
    bars, bar = distinct(times.rows)
    _refuse_size(len(bars), symbols, source)
    cells = bar * symbols + names.rows
    steps = np.diff(cells) <= 0
    unsorted = int(np.argmax(steps)) + 1 if steps.any() else None
    filled = np.zeros(len(bars) * symbols, dtype=np.bool_)
    filled[cells] = True
    if int(np.count_nonzero(filled)) != len(cells):
        raise _duplicate(cells, times, names, source)
    if unsorted is not None and len(cells) == len(filled) and np.array_equal(cells, np.arange(len(cells))):
        unsorted = None
    grid = filled.reshape(len(bars), symbols)
    return Layout(bars, names.names, cells, None if filled.all() else grid, unsorted)


def _dense(times: Ints, ranks: npt.NDArray[np.int32], symbols: int) -> Ints | None:
    """The bars, where the rows are the whole grid in order; else None."""
    if len(times) % symbols:
        return None
    grid = times.reshape(-1, symbols)
    bars = grid[:, 0]
    if not np.array_equal(grid[0], np.broadcast_to(bars[0], symbols)) or bool((np.diff(bars) <= 0).any()):
        return None
    row = np.arange(symbols, dtype=np.int32)
    same = all(
        bool((grid[i : i + 64] == bars[i : i + 64, None]).all())
        and bool((ranks.reshape(-1, symbols)[i : i + 64] == row).all())
        for i in range(0, len(bars), 64)
    )
    return np.ascontiguousarray(bars) if same else None


def distinct(times: Ints) -> tuple[Ints, Ints]:
    """The distinct instants, ascending, and the index of each row's instant among them."""
    if len(times) and bool((times[1:] >= times[:-1]).all()):
        new = np.concatenate(([False], times[1:] != times[:-1]))
        return times[np.concatenate(([0], np.flatnonzero(new)))], np.cumsum(new, dtype=np.int64)
    bars, place = np.unique(times, return_inverse=True)
    return bars, place.reshape(-1).astype(np.int64, copy=False)


def _refuse_size(bars: int, symbols: int, source: str) -> None:
    """A few rows at scattered times can make a grid that does not fit into memory."""
    need, have = bars * symbols * 8 * _COLUMNS, _memory()
    if need > have:
        raise InputError(
            source,
            f"{bars:,} distinct timestamps of {symbols:,} symbols",
            f"a grid of bars by symbols that fits into {have / 2**30:.0f} GiB of memory",
            "Give the symbols common timestamps, or load fewer of them.",
        )


def _memory() -> int:
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 16 * 2**30


def _duplicate(cells: Ints, times: Instants, names: Codes, source: str) -> InputError:
    order = np.argsort(cells, kind="stable")
    again = order[1:][cells[order[1:]] == cells[order[:-1]]]
    later = int(again.min())
    earlier = int(np.argmax(cells == cells[later]))
    return InputError(
        f"{row_name(source, earlier)} and row {later + 1}",
        f"two rows for {names.names[names.rows[later]]} at {show_instant(int(times.rows[later]))}",
        "one row for each timestamp and symbol",
        "Drop one of them.",
    )


def cell_namer(times: Instants, names: Codes) -> Callable[[int], str]:
    """A function that names the symbol and bar of a row."""
    return lambda row: f"{names.names[names.rows[row]]}, {show_instant(int(times.rows[row]))}"


def row_namer(times: Instants, names: Codes, source: str) -> Callable[[int], str]:
    """A function that names a row by its number, symbol and bar."""
    cell = cell_namer(times, names)
    return lambda row: f"{row_name(source, row)} ({cell(row)})"


def on_grid(layout: Layout, rows: npt.NDArray[Number], empty: Number | float | int) -> npt.NDArray[Number]:
    """(T, S) values from one per row; `empty` in a cell without a row. Not copied where rows are in place."""
    if layout.cells is None:
        return rows.reshape(layout.shape)
    bars, symbols = layout.shape
    grid = np.full(bars * symbols, empty, dtype=rows.dtype)
    grid[layout.cells] = rows
    return grid.reshape(bars, symbols)
