"""The summary: one row per rebalance (or bar) with the figures of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import scaled
from reconcile.matching.assemble import assemble
from reconcile.matching.axis import Axis, Ints, codes_in, cycles, make_axis, periods
from reconcile.matching.breaks import Breaks
from reconcile.matching.cells import cell
from reconcile.matching.model import LedgerSide, Period, PeriodSide, Stage, Value
from vocabulary.ledger import TIME_COLUMN, Column, Ledger, Table


@dataclass(frozen=True, slots=True, eq=False)
class SideColumns:
    """The figures of one side, one entry per period; None for what its ledger does not say.

    rebalance: this side's number, -1 for none. equity_row: the last row of `equity`, -1 for none.
    sums: (values, scale) of turnover, commission, slippage; scale None for doubles.
    """

    rebalance: Ints | None
    targets: Ints | None
    fills: Ints | None
    sums: Mapping[str, tuple[npt.NDArray[Any], int | None]]
    equity_row: Ints | None
    equity: Column | None


class Periods(Sequence[Period]):
    """The rows of the summary, made on demand; their columns are computed at the first demand.

    Place 0 is the time before the first rebalance; it is left out where no bar lies before it.
    """

    __slots__ = ("_breaks", "_made", "_sides", "axis")

    def __init__(self, axis: Axis, breaks: Breaks, sides: tuple[LedgerSide, LedgerSide]) -> None:
        self.axis = axis
        self._breaks = breaks
        self._sides = sides
        self._made: PeriodColumns | None = None

    def _columns(self) -> PeriodColumns:
        if self._made is None:
            self._made = period_columns(self.axis, self._breaks, self._sides)
        return self._made

    def __len__(self) -> int:
        made = self._columns()
        return len(made.starts) - made.offset

    @overload
    def __getitem__(self, index: int) -> Period: ...
    @overload
    def __getitem__(self, index: slice) -> list[Period]: ...
    def __getitem__(self, index: int | slice) -> Period | list[Period]:
        made = self._columns()
        if isinstance(index, slice):
            return [self._period(made, i + made.offset) for i in range(len(self))[index]]
        return self._period(made, range(len(self))[index] + made.offset)

    def _period(self, made: PeriodColumns, place: int) -> Period:
        number = place - 1 if place else None
        bars = self.axis.bars
        # The last decision of a ledger may have no bar left to execute at.
        first = min(int(made.starts[place]), len(bars) - 1)
        last = max(int(made.ends[place]), first)
        decided = int(bars[self.axis.starts[place - 1]]) if place and self.axis.timed else None
        counts: Mapping[Stage, int] = made.breaks.get(number, {})
        left, right = (_side(side, place) for side in made.sides)
        return Period(number, decided, int(bars[first]), int(bars[last]), left, right, counts)


def periods_of(ledger: Ledger) -> Periods:
    """The periods of one ledger, which takes the part of both sides."""
    axis, side = make_axis(ledger, ledger, None), LedgerSide(ledger.manifest, ledger.tables)
    sides = (side, side)
    return Periods(axis, assemble([], axis, sides), sides)


@dataclass(frozen=True, slots=True, eq=False)
class PeriodColumns:
    """The columns of all periods. starts, ends: first and last bar. offset: 1 where place 0 is left out."""

    starts: Ints
    ends: Ints
    offset: int
    breaks: Mapping[int | None, Mapping[Stage, int]]
    sides: tuple[SideColumns, SideColumns]


def period_columns(axis: Axis, breaks: Breaks, sides: tuple[LedgerSide, LedgerSide]) -> PeriodColumns:
    """The columns of all periods, from both ledgers."""
    of_bar = periods(axis, np.arange(len(axis.bars)) - axis.lag) + 1
    count = len(axis.starts) + 1
    numbers = np.arange(count)
    return PeriodColumns(
        np.searchsorted(of_bar, numbers),
        np.searchsorted(of_bar, numbers, "right") - 1,
        int(not len(of_bar) or of_bar[0] != 0),
        breaks.by_rebalance(),
        (side_columns(sides[0], axis, count), side_columns(sides[1], axis, count)),
    )


def _side(side: SideColumns, place: int) -> PeriodSide:
    number = None if side.rebalance is None or side.rebalance[place] < 0 else int(side.rebalance[place])
    sums: dict[str, Value] = {}
    for name, (values, scale) in side.sums.items():
        sums[name] = float(values[place]) if scale is None else scaled(int(values[place]), scale)
    equity = None
    if side.equity is not None and side.equity_row is not None and side.equity_row[place] >= 0:
        equity = cell(side.equity, int(side.equity_row[place]))
    return PeriodSide(
        number,
        None if side.targets is None else int(side.targets[place]),
        None if side.fills is None else int(side.fills[place]),
        sums.get("turnover"),
        sums.get("commission"),
        sums.get("slippage"),
        equity,
    )


def side_columns(side: LedgerSide, axis: Axis, count: int) -> SideColumns:
    """The figures of one side by period. count: the number of periods, place 0 included."""
    tables = side.tables
    fills, targets = tables.get("fills"), tables.get("targets")
    rebalance, row, equity = _equity(tables.get("equity"), axis, count)
    source, names = (tables.get("costs"), ("turnover", "commission", "slippage"))
    turnover = "turnover"
    if source is None and fills is not None:
        source, names, turnover = fills, ("notional", "commission", "slippage"), "notional"
    sums = {}
    if source is not None and TIME_COLUMN[source.name] in source.columns:
        place = places(source, axis)
        for name in names:
            if name in source.columns:
                sums["turnover" if name == turnover else name] = _sums(source.columns[name], place, count)
    return SideColumns(
        rebalance, _counts(targets, axis, count), _counts(fills, axis, count), sums, row, equity
    )


def places(table: Table, axis: Axis) -> Ints:
    """For each row of a table the place of its period."""
    time = table.columns[TIME_COLUMN[table.name]].values
    decided = cycles(axis, table.name, "", time) - axis.lag
    if table.name == "fills" and "decided_at" in table.columns:
        own = table.columns["decided_at"]
        told = codes_in(own.values, axis.bars)
        decided = told if own.missing is None else np.where(own.missing, decided, told)
    return periods(axis, decided) + 1


def _counts(table: Table | None, axis: Axis, count: int) -> Ints | None:
    if table is None or TIME_COLUMN[table.name] not in table.columns:
        return None
    return np.bincount(places(table, axis), minlength=count)


def _sums(column: Column, place: Ints, count: int) -> tuple[npt.NDArray[Any], int | None]:
    """The sums of a column by period and their scale, None for doubles; of any size."""
    values = column.values if column.missing is None else np.where(column.missing, 0, column.values)
    if values.dtype.kind == "f":
        return np.bincount(place, weights=values, minlength=count), None
    scale = column.scale or 0
    if (
        values.dtype != object
        and len(values)
        and max(-int(values.min()), int(values.max())) > 2**62 // len(values)
    ):
        values = values.astype(object)
    out = np.zeros(count, values.dtype)
    np.add.at(out, place, values)
    return out, scale


def _equity(table: Table | None, axis: Axis, count: int) -> tuple[Ints | None, Ints | None, Column | None]:
    """By period: this side's rebalance number and its last row of `equity`; and the column of equity."""
    if table is None or "timestamp" not in table.columns:
        return None, None, None
    order = np.argsort(table.columns["timestamp"].values, kind="stable")
    place = places(table, axis)[order]
    row = np.full(count, -1)
    row[place] = order
    number = table.columns.get("rebalance")
    if number is None:
        return None, row, table.columns.get("equity")
    rebalance = np.full(count, -1)
    decided = np.arange(table.rows) if number.missing is None else np.flatnonzero(~number.missing)
    bars = np.searchsorted(axis.bars, table.columns["timestamp"].values[decided])
    rebalance[periods(axis, bars) + 1] = number.values[decided]
    return rebalance, row, table.columns.get("equity")
