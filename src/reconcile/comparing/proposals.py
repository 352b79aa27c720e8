"""Bounds for a foreign ledger that was given none: they would absorb what looks like rounding.

A proposal is no tolerance: nothing is forgiven until a person has put it into a file. Differences that no
rounding explains are never proposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice

import numpy as np

from reconcile.matching.bounds import within
from reconcile.matching.cells import NUMBERS
from reconcile.matching.model import BoundKind, Break, Reconciliation, Tolerance
from reconcile.matching.stages import COMPARED_KEYS
from vocabulary.ledger import Column

NOISE = Decimal("1e-9")
"""The largest share of a number that is taken for the noise of doubles."""
LOOKED_AT = 100_000
"""Breaks that are looked at."""
TEXT_OF_DOUBLES = 10
"""Decimals from which on exact text is taken for the shortest text of doubles."""
_FINEST = 8
_LEAST = 2
_NOISE_REASON = "doubles: they differ in the last of their 53 bits"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bound that would do, and how many of the column's breaks it would absorb."""

    tolerance: Tolerance
    absorbed: int


def proposed(found: Reconciliation) -> tuple[Proposal, ...]:
    """A bound for each column that breaks and has none, where rounding explains it: of doubles, or of a
    foreign ledger that shows fewer decimals than the other side."""
    if found.first_only:
        return ()
    bounded = {(use.tolerance.table, use.tolerance.column) for use in found.tolerances}
    doubles = {key: columns for key, columns in _rounded_columns(found) if key not in bounded}
    breaks: dict[tuple[str, str], list[tuple[Fraction, Fraction]]] = {}
    for one in islice(found.breaks, LOOKED_AT) if doubles else ():
        values = _values(one)
        if (one.table, one.field) in doubles and values is not None:
            breaks.setdefault((one.table, one.field), []).append(values)
    made = (_proposal(*key, pairs, doubles[key]) for key, pairs in breaks.items())
    return tuple(one for one in made if one is not None)


def _rounded_columns(found: Reconciliation) -> Iterator[tuple[tuple[str, str], list[Column]]]:
    """((table, column), the sides that may be rounded): doubles of either side, and exact numbers of a
    foreign side with fewer decimals than the other has."""
    for table in dict.fromkeys((*found.reference.tables, *found.candidate.tables)):
        sides = [side.tables[table] for side in (found.reference, found.candidate) if table in side.tables]
        for name in dict.fromkeys(name for side in sides for name in side.columns):
            columns = [side.columns[name] for side in sides if name in side.columns]
            floats = [one for one in columns if one.kind in NUMBERS and _holds_doubles(one)]
            rounded = floats or _coarser(found, table, name)
            if rounded and name not in COMPARED_KEYS[table]:
                yield (table, name), rounded


def _coarser(found: Reconciliation, table: str, name: str) -> list[Column]:
    """The exact column of a foreign side that shows fewer decimals than the other side's."""
    sides = []
    for side in (found.reference, found.candidate):
        column = side.tables[table].columns.get(name) if table in side.tables else None
        if column is None or column.kind not in NUMBERS or column.scale is None:
            return []
        sides.append((_decimals(column), side.manifest.semantics is None, column))
    fewer, more = sorted(sides, key=lambda side: side[0])
    return [fewer[2]] if fewer[0] < more[0] and fewer[1] else []


def _holds_doubles(column: Column) -> bool:
    """Whether the cells are doubles, or the text of doubles: no amount has as many decimals."""
    return column.values.dtype.kind == "f" or (column.scale or 0) >= TEXT_OF_DOUBLES


def _values(one: Break) -> tuple[Fraction, Fraction] | None:
    a, b = _number(one.reference), _number(one.candidate)
    return None if a is None or b is None else (a, b)


def _number(value: object) -> Fraction | None:
    if isinstance(value, float):
        return Fraction(Decimal(repr(value))) if np.isfinite(value) else None
    return Fraction(value) if isinstance(value, Decimal | int) else None


def _proposal(
    table: str, column: str, pairs: list[tuple[Fraction, Fraction]], doubles: list[Column]
) -> Proposal | None:
    """Noise first; else the grid that the doubles stand on, where it explains most of what is left."""
    noisy = [pair for pair in pairs if _share(*pair) <= NOISE]
    if noisy and 2 * len(noisy) >= len(pairs):
        largest = max(_share(*pair) for pair in noisy)
        bound = next(
            Decimal(1).scaleb(power) for power in range(-15, 0) if largest <= Decimal(1).scaleb(power)
        )
        return Proposal(Tolerance(table, column, BoundKind.RELATIVE, bound, _NOISE_REASON), len(noisy))
    decimals = min(map(_decimals, doubles))
    if decimals > _FINEST:
        return None
    step = Decimal(1).scaleb(-decimals)
    made = Tolerance(table, column, BoundKind.QUANTUM, step, f"their numbers are rounded to {step:f}")
    absorbed = sum(within(made, *pair) for pair in pairs)
    return Proposal(made, absorbed) if absorbed >= _LEAST and 2 * absorbed >= len(pairs) else None


def _share(a: Fraction, b: Fraction) -> Fraction:
    """The gap as a share of the larger of the two."""
    return abs(a - b) / max(abs(a), abs(b)) if a != b else Fraction(0)


def _decimals(column: Column) -> int:
    """The most decimals of the shortest text of its doubles, looked at up to a bound."""
    if column.values.dtype.kind != "f":
        scale = column.scale or 0
        exact = column.values[:LOOKED_AT]
        for decimals in range(min(scale, _FINEST) + 1):
            if not bool((exact % 10 ** (scale - decimals)).any()):
                return decimals
        return _FINEST + 1
    values = column.values[np.isfinite(column.values)][:LOOKED_AT]
    for decimals in range(_FINEST + 1):
        if bool((np.round(values, decimals) == values).all()):
            return decimals
    return _FINEST + 1
