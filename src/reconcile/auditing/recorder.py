"""The recorder of an audit: findings, and which checks were made on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from reconcile.auditing.amounts import (
    UNIT,
    Amounts,
    Ints,
    Mask,
    apart,
    as_doubles,
    limit,
    noise_limit,
    picked,
    value,
)
from reconcile.auditing.constant_patterns import relation
from reconcile.auditing.ledger_index import Field, LedgerIndex, PlacedTable
from reconcile.auditing.model import (
    LIMIT,
    Absorbed,
    Check,
    Checked,
    ConstantPattern,
    Finding,
    FindingKind,
    Noise,
    RowName,
    Unchecked,
    Why,
)
from reconcile.ledger.figures import decimal_of, difference, rational
from reconcile.matching.bounds import gap as measured
from reconcile.matching.bounds import within
from reconcile.matching.model import BoundKind, Tolerance, Value


@dataclass(slots=True)
class _Use:
    values: int = 0
    largest: Fraction = Fraction(0)


class Recorder:
    """Collects findings, and records for each check whether it was made."""

    def __init__(
        self, index: LedgerIndex, tolerances: Iterable[Tolerance], units: tuple[int, int] | None
    ) -> None:
        """units: decimals of prices and of quantities, None if neither scenario nor manifest gives them."""
        self.index = index
        self.tick = 0.0 if units is None else 10.0 ** -units[0]
        self.money_unit = 0.0 if units is None else 10.0 ** -(units[0] + units[1])
        self.findings: list[Finding] = []
        self.counts: Counter[FindingKind] = Counter()
        self._of: Counter[tuple[Check, FindingKind]] = Counter()
        self._values: Counter[Check] = Counter()
        self._permitted: set[Check] = set()
        self._without_rows: dict[Check, str] = {}
        self._allowed: dict[Check, float] = {}
        self._noise: dict[tuple[Check, str], tuple[int, float]] = {}
        self._unchecked: dict[tuple[Check, str], Why] = {}
        self.tolerances = {f"{one.table}.{one.column}": one for one in tolerances}
        self._uses = {field: _Use() for field in self.tolerances}
        self.notes: list[str] = []
        self.patterns: list[ConstantPattern] = []

    def need(self, check: Check, table: str, *columns: str) -> PlacedTable | None:
        """The table if it has these columns; else None, and the check is recorded as not made."""
        placed = self.index.get(table)
        if placed is None:
            self.not_made(check, table, Why.NO_TABLE)
            return None
        lacking = [name for name in columns if name not in placed]
        for name in lacking:
            self.not_made(check, f"{table}.{name}", Why.NO_COLUMN)
        if not placed.table.rows:
            self._without_rows.setdefault(check, table)
        return None if lacking else placed

    def note(self, pattern: ConstantPattern | None) -> None:
        """Record what findings have in common, where they do."""
        if pattern is not None:
            self.patterns.append(pattern)

    def not_made(self, check: Check, what: str, why: Why) -> None:
        """Record that a check, or a part of it, is not made. what: the table or column that is missing."""
        self._unchecked.setdefault((check, what), why)

    def made(self, check: Check, values: int) -> None:
        """Record that a check was made on this many more values."""
        self._values[check] += int(values)

    def permitted(self, check: Check) -> None:
        """Record that the scenario permits whatever this check could find: no value has to be compared."""
        self.made(check, 0)
        self._permitted.add(check)

    def add(self, finding: Finding) -> None:
        """Add a finding; beyond LIMIT of its kind it is only counted."""
        self.counts[finding.kind] += 1
        self._of[finding.check, finding.kind] += 1
        if self.counts[finding.kind] <= LIMIT:
            self.findings.append(finding)

    def is_full(self, kind: FindingKind) -> bool:
        """Whether further findings of this kind are only counted."""
        return self.counts[kind] >= LIMIT

    def count_more(self, check: Check, kind: FindingKind, more: int) -> None:
        """Count findings that are not kept."""
        self.counts[kind] += more
        self._of[check, kind] += more

    def disagreements(self, check: Check, field: str, found: Amounts, expected: Amounts, where: Mask) -> Ints:
        """Indices, among those in `where`, at which found and expected differ by more than is allowed.

        Allowed are the rounding error of doubles and the tolerance for this field.
        """
        self.made(check, int(np.count_nonzero(where)))
        bound = limit(found, expected)
        if bound is not None and bool(where.any()):
            finite = bound[where & np.isfinite(bound)]
            if len(finite):
                self._allowed[check] = max(self._allowed.get(check, 0.0), float(finite.max()))
        places = np.flatnonzero(apart(found, expected) & where)
        tolerance = self.tolerances.get(field)
        if tolerance is not None:
            places = self._beyond(tolerance, field, found, expected, places)
        return self._beyond_noise(check, field, found, expected, places)

    def _beyond_noise(
        self, check: Check, field: str, found: Amounts, expected: Amounts, places: Ints
    ) -> Ints:
        """The places whose difference is more than float noise; the others are counted as noise."""
        if not len(places) or (found.scale is not None and expected.scale is not None):
            return places
        found, expected = as_doubles(picked(found, places)), as_doubles(picked(expected, places))
        gaps = np.abs(found.values - expected.values)
        noise = gaps <= noise_limit(found, expected)
        if bool(noise.any()):
            count, largest = self._noise.get((check, field), (0, 0.0))
            largest = max(largest, float(gaps[noise].max()))
            self._noise[check, field] = (count + int(noise.sum()), largest)
        return np.asarray(places[~noise], np.int64)

    def noise(self) -> tuple[Noise, ...]:
        """The differences that are float noise, one entry for each check and field."""
        return tuple(
            Noise(check, field, count, largest) for (check, field), (count, largest) in self._noise.items()
        )

    def _beyond(
        self, tolerance: Tolerance, field: str, found: Amounts, expected: Amounts, places: Ints
    ) -> Ints:
        """The places that the tolerance does not accept; decided exactly where doubles are in doubt."""
        x, y = as_doubles(found).values[places], as_doubles(expected).values[places]
        gaps, size = np.abs(x - y), np.maximum(np.abs(x), np.abs(y))
        bound = float(tolerance.bound) * (size if tolerance.kind is BoundKind.RELATIVE else 1.0)
        doubt = 8 * UNIT * (size + bound)
        inside, outside = gaps < bound - doubt, ~(gaps <= bound + doubt)
        if tolerance.kind is BoundKind.QUANTUM:
            inside[:] = False
        keep = outside.copy()
        for i in np.flatnonzero(~inside & ~outside).tolist():
            a, b = rational(value(found, int(places[i]))), rational(value(expected, int(places[i])))
            keep[i] = a is None or b is None or not within(tolerance, a, b)
        use, absorbed = self._uses[field], np.flatnonzero(~keep)
        use.values += len(absorbed)
        if len(absorbed):
            measure = gaps / np.where(size > 0, size, 1.0) if tolerance.kind is BoundKind.RELATIVE else gaps
            i = int(places[absorbed[np.argmax(measure[absorbed])]])
            a, b = rational(value(found, i)), rational(value(expected, i))
            assert a is not None and b is not None
            use.largest = max(use.largest, measured(tolerance, a, b))
        return np.asarray(places[keep], np.int64)

    def hold(
        self,
        check: Check,
        kind: FindingKind,
        field: Field,
        found: Amounts,
        expected: Amounts,
        where: Mask,
    ) -> None:
        """Add a finding for each row, among those in `where`, in which found and expected disagree."""
        rows = self.disagreements(check, field.path, found, expected, where)
        self.add_rows(check, kind, field, rows, found, expected)

    def add_rows(
        self,
        check: Check,
        kind: FindingKind,
        field: Field,
        rows: Ints,
        found: Amounts | None = None,
        expected: Amounts | None = None,
    ) -> None:
        """Add a finding for each of these rows.

        found, expected: one amount for each row of the table. Without `found` the cell itself is shown.
        """
        if found is not None and expected is not None:
            self.note(relation(check, field, rows, found, expected))
        for done, row in enumerate(rows.tolist()):
            if self.is_full(kind):
                self.count_more(check, kind, len(rows) - done)
                return
            seen = value(found, row) if found is not None else field.placed.value(field.column, row)
            self.add_row(check, kind, field, row, seen, None if expected is None else value(expected, row))

    def add_where(self, check: Check, kind: FindingKind, field: Field, wrong: Mask) -> None:
        """Add a finding about the cell itself for each row that the mask marks."""
        self.add_rows(check, kind, field, np.flatnonzero(wrong))

    def add_row(
        self, check: Check, kind: FindingKind, field: Field, row: int, found: Value, expected: Value
    ) -> None:
        """Add a finding about one row."""
        self.add(self.row_finding(check, kind, field, row, found, expected))

    def row_finding(
        self, check: Check, kind: FindingKind, field: Field, row: int, found: Value, expected: Value
    ) -> Finding:
        """A finding about one row, to be added."""
        placed = field.placed
        symbol = int(placed.symbol[row])
        return Finding(
            check,
            kind,
            field.path,
            (self.row_name(placed, row),),
            int(placed.time[row]) if placed.time[row] else None,
            self.index.symbols[symbol] if symbol >= 0 else None,
            found,
            expected,
            difference(found, expected),
        )

    @staticmethod
    def row_name(placed: PlacedTable, row: int) -> RowName:
        """The name of a row: table, key and number."""
        return RowName(placed.name, placed.key(row), row)

    def counted(self, checks: Iterable[Check], kind: FindingKind) -> int:
        """The number of findings of a kind from these checks."""
        return sum(self._of[check, kind] for check in checks)

    def _findings_of(self, check: Check) -> int:
        return sum(count for (other, _), count in self._of.items() if other is check)

    def _is_empty(self, check: Check) -> bool:
        """Whether a check was begun and found no value to compare: that is no pass."""
        started = check in self._values and check not in self._permitted
        return started and not self._values[check] and not self._findings_of(check)

    def checked(self) -> tuple[Checked, ...]:
        """The checks that were made."""
        return tuple(
            Checked(check, self._values[check], self._findings_of(check), self._allowed.get(check))
            for check in Check
            if check in self._values and not self._is_empty(check)
        )

    def unchecked(self) -> tuple[Unchecked, ...]:
        """The checks, or parts of checks, that were not made."""
        order = {check: place for place, check in enumerate(Check)}
        told = {check for check, _ in self._unchecked}
        reasons = dict(self._unchecked)
        for check in Check:
            if self._is_empty(check) and check not in told:
                table = self._without_rows.get(check)
                why = Why.NONE_TO_COMPARE if table is None else Why.NO_ROWS
                reasons[check, table or "values"] = why
        entries = sorted(reasons.items(), key=lambda item: order[item[0][0]])
        return tuple(Unchecked(check, what, why) for (check, what), why in entries)

    def absorbed(self) -> tuple[Absorbed, ...]:
        """What each tolerance accepted."""
        return tuple(
            Absorbed(self.tolerances[field], use.values, decimal_of(use.largest))
            for field, use in self._uses.items()
        )
