"""What many findings of a column have in common: one mistake in many rows is reported once."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np

from reconcile.auditing.amounts import Amounts, Ints, as_doubles, picked
from reconcile.auditing.ledger_index import Field
from reconcile.auditing.model import Audit, Check, ConstantPattern, Finding
from reconcile.comparing.wording import count, duration
from reconcile.ledger.figures import decimal_of
from reconcile.matching.patterns import LEAST, PatternKind, fit, shown


def relation(
    check: Check, field: Field, rows: Ints, found: Amounts, expected: Amounts
) -> ConstantPattern | None:
    """How the amounts of these rows follow from those expected: times a factor, plus an offset, with the
    opposite sign, or rounded; None where they have nothing in common."""
    numbers = [as_doubles(picked(amounts, rows)).values for amounts in (expected, found)]
    known = np.isfinite(numbers[0]) & np.isfinite(numbers[1])
    units = [0.0 if amounts.scale is None else 10.0**-amounts.scale for amounts in (expected, found)]
    one = fit(numbers[0][known], numbers[1][known], (units[0], units[1]))
    if one is None or one.by_reference:
        return None
    number, fitting = decimal_of(one.value, 12), int(one.fits.sum())
    return ConstantPattern(check, field.path, one.kind, number, fitting, field.placed.table.rows)


def another_clock(check: Check, field: Field, stamps: Ints, bars: Ints) -> ConstantPattern | None:
    """Rows that stand equally long after the bar before them, or before the bar after."""
    if len(stamps) < LEAST or not len(bars):
        return None
    after = np.searchsorted(bars, stamps)
    for places in (after - 1, after):
        if bool(((places >= 0) & (places < len(bars))).all()):
            apart = np.unique(stamps - bars[places])
            if len(apart) == 1:
                rows, ns = field.placed.table.rows, int(apart[0])
                return ConstantPattern(check, field.path, PatternKind.CLOCK, ns, len(stamps), rows)
    return None


def pattern_sentence(pattern: ConstantPattern) -> str:
    """A constant pattern in one clause, with its extent."""
    table, _, column = pattern.field.partition(".")
    number = shown(Fraction(pattern.value))
    way = "less" if pattern.value < 0 else "more"
    what = {
        PatternKind.FACTOR: f"is {number} times what it should be",
        PatternKind.OFFSET: f"is {number.lstrip('-')} {way} than it should be",
        PatternKind.SIGN: "has the opposite sign",
        PatternKind.ROUNDED: f"is rounded to {number} decimals",
    }
    said = what.get(pattern.kind, "")
    if pattern.kind is PatternKind.CLOCK:
        said = f"is {duration(abs(int(pattern.value)))} {'before' if pattern.value < 0 else 'after'} its bar"
    return f"{table} {column} {said}, in {pattern.findings:,} of {count(pattern.rows, 'row')}"


def first_of_patterns(audit: Audit) -> tuple[Finding, ...]:
    """The findings; of those that one pattern accounts for entirely, the first."""
    counted = Counter((one.check, one.field) for one in audit.findings)
    whole = {
        (one.check, one.field) for one in audit.patterns if counted[one.check, one.field] <= one.findings
    }
    seen: set[tuple[Check, str]] = set()
    out = []
    for one in audit.findings:
        key = (one.check, one.field)
        if key not in whole or key not in seen:
            out.append(one)
        seen.add(key)
    return tuple(out)


def pattern_json(pattern: ConstantPattern) -> dict[str, Any]:
    """The pattern as `text/schemas/audit.json` describes it."""
    return {
        "check": pattern.check.value,
        "field": pattern.field,
        "kind": pattern.kind.value,
        "value": pattern.value,
        "findings": pattern.findings,
        "rows": pattern.rows,
        "text": pattern_sentence(pattern),
    }
