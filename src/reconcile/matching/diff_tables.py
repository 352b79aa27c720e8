"""Compares two tables of one name: which rows and cells differ, as groups of row numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from reconcile.ledger.figures import decimal_of
from reconcile.matching.axis import Axis, count_below
from reconcile.matching.cells import Comparable, Rows, comparable, differing, number
from reconcile.matching.inexact_pairs import pair_group, pair_near_rows
from reconcile.matching.model import ROW, BreakType, Stage, Value
from reconcile.matching.pair_rows import EMPTY, SEQUENCE, Pairing, pair_rows
from reconcile.matching.stages import COMPARED_KEYS, ROW_STAGE, field_stage
from vocabulary.ledger import Kind, Table

SHOWN_DIGITS = 50
"""Digits shown of a computed value without a finite decimal, such as a mean price."""
SUMMED = ("quantity", "notional", "commission", "slippage")
"""Columns that are summed where several fills are compared as one; `price` is weighted by quantity."""

Absorb = Callable[[str, str, Comparable, Rows, Rows], Rows]
"""(table, column, cells, left, right) -> places of the pairs of rows that no tolerance absorbs."""
AbsorbOne = Callable[[str, str, Fraction, Fraction, bool], bool]
"""(table, column, a, b, whether one of them was a double) -> whether the difference is absorbed."""


@dataclass(frozen=True, slots=True, eq=False)
class BreakGroup:
    """Breaks of one table, field and type.

    left, right: rows of the reference and of the candidate, -1 for none. values: pairs of values, where no
    single row holds them.
    """

    table: str
    field: str
    stage: Stage
    type: BreakType
    left: Rows
    right: Rows
    values: tuple[tuple[Value, Value], ...] | None = None


@dataclass(slots=True)
class BreakCollector:
    """Collects groups of breaks. absorb, absorb_one: ask whether a tolerance absorbs a difference.

    Where the tables are parts of larger ones, unpaired is told a table's columns and its rows without a
    partner, and lacking has, for each side, the sequence numbers of such rows of the whole tables, ascending.
    """

    absorb: Absorb
    absorb_one: AbsorbOne
    groups: list[BreakGroup] = field(default_factory=list)
    unpaired: Callable[[str, dict[str, Comparable], Rows, Rows], None] | None = None
    lacking: tuple[Rows, Rows] | None = None

    def add(
        self,
        table: str,
        name: str,
        kind: BreakType,
        left: Rows,
        right: Rows,
        values: tuple[tuple[Value, Value], ...] | None = None,
    ) -> None:
        """Add a group, unless it is empty."""
        if len(left):
            whole = name == ROW or kind is BreakType.TIMING
            stage = ROW_STAGE[table] if whole else field_stage(table, name)
            self.groups.append(BreakGroup(table, name, stage, kind, left, right, values))


def compare_tables(
    reference: Table, candidate: Table, axis: Axis, collector: BreakCollector
) -> tuple[str, ...]:
    """Compare two tables of one name on the columns that both have; returns these columns, keys first."""
    name = reference.name
    shared = [column for column in reference.columns if column in candidate.columns]
    columns = {
        column: comparable(f"{name}.{column}", reference.columns[column], candidate.columns[column])
        for column in shared
    }
    keys = {column: columns[column] for column in COMPARED_KEYS[name] if column in columns}
    values = {column: columns[column] for column in shared if column not in keys}
    pairing = pair_rows(list(keys.values()), values, (reference.rows, candidate.rows), axis.of(name))
    _settle_groups(name, values, pairing, collector)
    if collector.unpaired is not None:
        collector.unpaired(name, columns, pairing.missing, pairing.extra)
    near = pair_near_rows(name, keys, values, (pairing.missing, pairing.extra), axis.bars)
    for column, left, right in near.found:
        timing = columns[column].kind is Kind.TIMESTAMP
        kind = BreakType.TIMING if timing else cell_type(name, column)
        collector.add(name, column, kind, left, right)
    _add_rows(name, BreakType.MISSING, near.missing, left=True, collector=collector)
    _add_rows(name, BreakType.EXTRA, near.extra, left=False, collector=collector)
    for column, cells in values.items():
        _compare_column(name, column, cells, pairing, collector)
    return (*keys, *values)


def cell_type(table: str, column: str) -> BreakType:
    """The type of a break about a cell: the one named like its stage."""
    return BreakType(field_stage(table, column).value)


def _add_rows(table: str, kind: BreakType, rows: Rows, *, left: bool, collector: BreakCollector) -> None:
    none = np.full(len(rows), -1, np.int64)
    collector.add(table, ROW, kind, rows if left else none, none if left else rows)


def _settle_groups(
    name: str, values: dict[str, Comparable], pairing: Pairing, collector: BreakCollector
) -> None:
    """Pair the rows of groups without equal partners, and add the pairs and leftovers to `pairing`."""
    if not pairing.groups:
        return
    twins = (set(pairing.left_twins.tolist()), set(pairing.right_twins.tolist()))
    pairs: list[tuple[int, int]] = []
    over: tuple[list[int], list[int]] = ([], [])
    doubled: tuple[list[int], list[int]] = ([], [])
    for left, right in pairing.groups:
        group = pair_group(values, left, right, twins, can_merge=name == "fills")
        pairs += group.pairs
        over[0].extend(group.left)
        over[1].extend(group.right)
        doubled[0].extend(group.left_twins)
        doubled[1].extend(group.right_twins)
        if group.merged is not None:
            _compare_merged(name, values, group.merged, collector)
    at = np.array(pairs, np.int64).reshape(-1, 2)
    pairing.left = np.concatenate([pairing.left, at[:, 0]])
    pairing.right = np.concatenate([pairing.right, at[:, 1]])
    pairing.missing = np.sort(np.concatenate([pairing.missing, np.array(over[0], np.int64)]))
    pairing.extra = np.sort(np.concatenate([pairing.extra, np.array(over[1], np.int64)]))
    for rows, side in zip(doubled, (True, False), strict=True):
        _add_rows(name, BreakType.DUPLICATE, np.array(rows, np.int64), left=side, collector=collector)


def _compare_column(
    name: str, column: str, cells: Comparable, pairing: Pairing, collector: BreakCollector
) -> None:
    """Add the breaks of one column over all pairs of rows."""
    if column == SEQUENCE and collector.lacking is not None and any(map(len, collector.lacking)):
        left, right = _out_of_order_in_part(cells, pairing, collector.lacking)
        keep = collector.absorb(name, column, cells, left, right)
        collector.add(name, column, cell_type(name, column), left[keep], right[keep])
        return
    at = np.flatnonzero(differing(cells, pairing.left, pairing.right)) if len(pairing.left) else EMPTY
    left, right = pairing.left[at], pairing.right[at]
    if pairing.in_place is not None and len(pairing.in_place[column]):
        left = np.concatenate([pairing.in_place[column], left])
        right = np.concatenate([pairing.in_place[column], right])
    if not len(left):
        return
    whole = collector.lacking is None
    if column == SEQUENCE and whole and (len(pairing.missing) or len(pairing.extra)):
        left, right = _out_of_order(cells, pairing, left, right)
    keep = collector.absorb(name, column, cells, left, right)
    left, right = left[keep], right[keep]
    collector.add(name, column, cell_type(name, column), left, right)


def _out_of_order(cells: Comparable, pairing: Pairing, left: Rows, right: Rows) -> tuple[Rows, Rows]:
    """Pairs whose sequence number differs.

    Numbers are compared as they stand, and without the rows that the other side lacks; the smaller result
    counts. (A row that never existed leaves no gap in the numbers.)
    """
    lacking = np.sort(cells.reference[pairing.missing]), np.sort(cells.candidate[pairing.extra])
    a, b = cells.reference[pairing.left], cells.candidate[pairing.right]
    at = np.flatnonzero(a - count_below(lacking[0], a) != b - count_below(lacking[1], b))
    return (left, right) if len(left) <= len(at) else (pairing.left[at], pairing.right[at])


def _out_of_order_in_part(
    cells: Comparable, pairing: Pairing, lacking: tuple[Rows, Rows]
) -> tuple[Rows, Rows]:
    """The same for a part of larger tables, by the numbers that the whole tables lack."""
    left, right = pairing.left, pairing.right
    if pairing.in_place is not None:
        in_place = np.ones(len(cells.reference), np.bool_)
        in_place[left] = in_place[pairing.missing] = False
        rows = np.flatnonzero(in_place)
        left, right = np.concatenate([rows, left]), np.concatenate([rows, right])
    a, b = cells.reference[left], cells.candidate[right]
    at = np.flatnonzero(a - count_below(lacking[0], a) != b - count_below(lacking[1], b))
    return left[at], right[at]


def _compare_merged(
    name: str, values: dict[str, Comparable], merged: tuple[list[int], list[int]], collector: BreakCollector
) -> None:
    """Add the breaks of several fills that are compared as one. merged: rows of both sides."""
    for column in values:
        if column == SEQUENCE:
            continue
        a, b = (_together(column, values, rows, side) for side, rows in enumerate(merged))
        if a == b and a is not None:
            continue
        numbers = isinstance(a, Fraction) and isinstance(b, Fraction)
        if numbers and collector.absorb_one(name, column, a, b, values[column].floats):  # type: ignore[arg-type]
            continue
        shown = (_shown(a), _shown(b))
        first = np.array([merged[0][0]], np.int64), np.array([merged[1][0]], np.int64)
        collector.add(name, column, cell_type(name, column), *first, values=(shown,))


def _together(
    column: str, values: dict[str, Comparable], rows: list[int], side: int
) -> Fraction | str | None:
    """One value for several rows: the sum, the price weighted by quantity, or the distinct words."""
    cells = [_number(values[column], row, side) for row in rows]
    numbers = [value for value in cells if isinstance(value, Fraction)]
    if len(numbers) < len(cells) or values[column].words is not None:
        return " ".join(sorted({str(value) for value in cells}))
    if column in SUMMED:
        return sum(numbers, Fraction(0))
    if column != "price" or "quantity" not in values:
        return numbers[0] if len(set(numbers)) == 1 else " ".join(sorted({str(value) for value in numbers}))
    weights = [_number(values["quantity"], row, side) for row in rows]
    total = sum((w for w in weights if isinstance(w, Fraction)), Fraction(0))
    if not total:
        return None
    return (
        sum((p * w for p, w in zip(numbers, weights, strict=True) if isinstance(w, Fraction)), Fraction(0))
        / total
    )


def _number(cells: Comparable, row: int, side: int) -> Fraction | str | None:
    if cells.words is None:
        return number(cells, row, side)
    missing = cells.candidate_missing if side else cells.reference_missing
    if missing is not None and missing[row]:
        return None
    return cells.words[int((cells.candidate if side else cells.reference)[row])]


def _shown(value: Fraction | str | None) -> Value:
    return decimal_of(value, SHOWN_DIGITS) if isinstance(value, Fraction) else value
