"""From the set of causes that a search found to the plainest set that does as well.

Redundant causes and limits are dropped, and two causes become one where one is enough. Beside each cause
stand those that this ledger cannot distinguish from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import combinations

from reconcile.explaining.hypotheses.catalogue import akin
from reconcile.explaining.model import Change, Kind, Value
from reconcile.explaining.proposals import crowded
from reconcile.explaining.search import Found, Search


def smallest(search: Search, found: Found) -> Found:
    """The plainest set that does as well as the one a search found."""
    return _worded(search, _rounded(search, _joined(search, _pruned(search, found))))


def _pruned(search: Search, found: Found) -> Found:
    """The smallest part of a set that does as well as the whole."""
    changes = found.changes
    for size in range(len(changes)):
        for part in combinations(changes, size):
            if search.full(part) >= found.score:
                return Found(part, search.full(part), found.rivals)
    return found


def _joined(search: Search, found: Found) -> Found:
    """The set without needless limits, and with one change in place of two where one does as well."""
    for a in found.changes:
        rest = tuple(c for c in found.changes if c is not a)
        for plain in (*_plainer(a), *(made for b in rest for made in _both(search, a, b))):
            others = tuple(c for c in rest if c != plain and not _within(c, plain))
            changes = search.catalogue.ordered((*others, plain))
            shorter = (
                len(changes) < len(found.changes)
                or search.catalogue.plainness(plain)[0] < search.catalogue.plainness(a)[0]
            )
            if shorter and not crowded(changes) and search.full(changes) >= found.score:
                return _joined(search, Found(changes, search.full(changes), found.rivals))
    return found


def _both(search: Search, a: Change, b: Change) -> Iterator[Change]:
    """Changes that may stand for both: `a` over the time and the symbols of both, or with another value."""
    until = None if a.until is None or b.until is None else max(a.until, b.until)
    symbols = None if a.symbols is None or b.symbols is None else tuple(sorted({*a.symbols, *b.symbols}))
    wide = replace(a, since=min(a.since, b.since), until=until, symbols=symbols)
    if akin(a, b):
        yield wide
    if a.hypothesis is b.hypothesis:
        for hypothesis, value in search.proposals.values(0):
            if hypothesis is a.hypothesis:
                yield replace(wide, value=value)


def _rounded(search: Search, found: Found) -> Found:
    """The set with no more digits in a number than this ledger bears out: many levels fit the bars that one
    was read off."""
    if not search.matches(found.score):
        return found
    changes, rivals = found.changes, dict(found.rivals)
    for change in found.changes:
        rest = tuple(c for c in changes if c != change)
        for rounder in _rounder(change):
            if search.full(search.catalogue.ordered((*rest, rounder))) == found.score:
                changes = search.catalogue.ordered((*rest, rounder))
                known = rivals.get(change, ())
                rivals[rounder] = tuple(c for c in known if c.hypothesis is not change.hypothesis)
                break
    return replace(found, changes=changes, rivals=rivals)


def _rounder(change: Change) -> Iterator[Change]:
    """The change with fewer significant digits, fewest first, where its value is a decimal."""
    if change.hypothesis.kind is not Kind.SCENARIO or not isinstance(change.value, tuple):
        return
    if not isinstance(change.value[-1], str):
        return
    try:
        exact = Decimal(change.value[-1])
    except InvalidOperation:
        return
    for digits in range(1, len(exact.normalize().as_tuple().digits)):
        rounded = f"{Decimal(f'{exact:.{digits}g}'):f}"
        yield replace(change, value=(*change.value[:-1], rounded))


def _worded(search: Search, found: Found) -> Found:
    """The set with each change in the words that need the fewest numbers.

    Beside it stand the changes of other hypotheses that give the same ledger. All are tried again here: those
    met during the search were tried with other limits, or beside other changes.
    """
    if not search.matches(found.score):
        return found
    changes, rivals = found.changes, dict(found.rivals)
    for change in found.changes:
        rest = tuple(c for c in changes if c != change)
        tried = dict.fromkeys((*_otherwise(search, change), *rivals.get(change, ())))
        alike = [c for c in tried if search.full(search.catalogue.ordered((*rest, c))) == found.score]
        best = min((change, *alike), key=lambda c: wordiness(search, c))
        others = dict.fromkeys((change, *alike, *rivals.get(change, ())))
        rivals[best] = tuple(c for c in others if c != best)
        changes = search.catalogue.ordered((*rest, best))
    return replace(found, changes=changes, rivals=rivals)


def _otherwise(search: Search, change: Change) -> Iterator[Change]:
    """Changes of akin hypotheses, with the same limits, that may stand in a change's place."""
    at = min(change.since, search.gauge.bars - 1)
    for hypothesis, value in search.proposals.values(at, change.symbols or ()):
        by_symbol = change.symbols is None or hypothesis.by_symbol
        by_side = change.side is None or hypothesis.by_side
        other = replace(change, hypothesis=hypothesis, value=value)
        if by_symbol and by_side and hypothesis is not change.hypothesis and akin(change, other):
            yield other


def _plainer(change: Change) -> Iterator[Change]:
    """The change with one limit less."""
    if change.since:
        yield replace(change, since=0)
    if change.until is not None:
        yield replace(change, until=None)
    if change.symbols is not None:
        yield replace(change, symbols=None)
    if change.side is not None:
        yield replace(change, side=None)


def _within(change: Change, other: Change) -> bool:
    """Whether another, akin change covers all that a change covers."""
    return (
        akin(change, other)
        and change.since >= other.since
        and (other.until is None or (change.until is not None and change.until <= other.until))
        and (other.symbols is None or (change.symbols is not None and {*change.symbols} <= {*other.symbols}))
        and other.side in (None, change.side)
    )


def numbers(value: Value) -> int:
    """How many numbers other than 0 a change's value names."""
    if isinstance(value, tuple):
        return sum(map(numbers, value))
    try:
        return int(value is not None and float(value) != 0)
    except ValueError:
        return 0


def wordiness(search: Search, change: Change) -> tuple[object, ...]:
    """Sorts the change with fewer numbers first, then the plainer one, then the one with fewer digits."""
    dates = (change.since > 0) + (change.until is not None)
    named = numbers(change.value) + change.hypothesis.numbers + dates
    return named, search.catalogue.plainness(change), _digits(change.value)


def _digits(value: Value) -> int:
    """Significant digits of the numbers that a change's value names."""
    if isinstance(value, tuple):
        return sum(map(_digits, value))
    try:
        return len(Decimal(str(value)).normalize().as_tuple().digits)
    except InvalidOperation:
        return 0
