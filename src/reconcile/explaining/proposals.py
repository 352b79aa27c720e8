"""What to try next: sets of changes that are one step away from the set found so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from reconcile.explaining.evidence import Target, window_of
from reconcile.explaining.hypotheses.catalogue import Catalogue, akin, same_object
from reconcile.explaining.hypotheses.rounding import rates_beside_rounding
from reconcile.explaining.model import Change, Changes, Hypothesis, LoopHypothesis, Subject, Value
from reconcile.explaining.scoring import suspects
from vocabulary.ledger import Ledger
from vocabulary.state import Side

NEAR = 20
"""Bars from the first divergence on that values are read off."""
SYMBOLS, MANY = 4, 6
"""A change is tried limited to each of so many symbols, and to at most so many together: a longer list, in
one change or in several, would fit anything."""
SIDES = (Side.BUY, Side.SELL)

Groups = Sequence[tuple[int, ...]]


class Proposals:
    """What may be tried at a divergence, with values read off the candidate's ledger."""

    def __init__(self, subject: Subject, ledger: Ledger, target: Target, catalogue: Catalogue) -> None:
        self.subject, self.ledger, self.target, self.catalogue = subject, ledger, target, catalogue
        self.end = len(subject.market.timestamps) + 3
        self._memo: dict[str, Any] = {}

    def around(
        self, base: Changes, predicted: Ledger, at: int, begun: bool
    ) -> Iterator[tuple[Changes, Change]]:
        """Sets one step away from `base`: one change more, one in place of another, or other limits.

        predicted: the ledger that `base` gives. at: the cycle of the divergence. begun: whether the account
        began with the right amount. Yields each set with the change that is new in it.
        """
        who = suspects(self.target, predicted, at)
        known = range(len(self.subject.market.symbols))
        symbols, others = ([s for s in some if s in known] for some in (who.symbols, who.others))
        groups: list[tuple[int, ...]] = [(s,) for s in [*symbols, *others][:SYMBOLS]]
        if 1 < len(symbols) <= MANY:
            groups.append(tuple(sorted(symbols)))
        sides = [SIDES[side] for side in who.sides if side < len(SIDES)]
        seen = {base}
        for change in self._changes(at, symbols, groups, sides):
            if begun and change.hypothesis.at_start:
                continue
            alike = [old for old in base if same_object(old, change)]
            options = [(*(c for c in base if c is not old), change) for old in base if akin(old, change)]
            if not any(_limits(old) == _limits(change) for old in alike):
                options.insert(0, (*base, change))
            for option in options:
                changes = self.catalogue.ordered(option)
                if changes not in seen and not crowded(changes):
                    seen.add(changes)
                    yield changes, change
        for changes, new in (*self._pairs(base, at), *self._refined(base, at, symbols)):
            if changes not in seen and not crowded(changes):
                seen.add(changes)
                yield changes, new

    def _changes(
        self, at: int, symbols: Sequence[int], groups: Groups, sides: Sequence[Side]
    ) -> Iterator[Change]:
        for hypothesis, value in self.values(at, symbols):
            yield Change(hypothesis, value)
            if hypothesis.by_side:
                for side in sides:
                    yield Change(hypothesis, value, side=side)
            if hypothesis.by_symbol:
                for group in groups:
                    yield Change(hypothesis, value, symbols=group)
            if hypothesis.by_symbol and hypothesis.by_side and isinstance(hypothesis, LoopHypothesis):
                for group, side in product(groups, sides):
                    yield Change(hypothesis, value, symbols=group, side=side)
            if isinstance(hypothesis, LoopHypothesis) and not hypothesis.whole_run:
                yield from _once(hypothesis, value, at, groups)

    def values(self, at: int, symbols: Sequence[int] = ()) -> list[tuple[Hypothesis, Value]]:
        """Every hypothesis with the values read off near a cycle, from it to the end, and off some
        symbols."""
        windows: list[tuple[int, tuple[int, ...] | None]] = [(at + NEAR, None), (self.end, None)]
        if symbols:
            windows += [(at + 1, tuple(symbols)), (self.end, tuple(symbols))]
        out: dict[tuple[Hypothesis, Value], None] = {}
        for stop, only in windows:
            window = window_of(self.ledger, self.target, at, min(stop, self.end), only, self._memo)
            out.update(dict.fromkeys(self.catalogue.values(self.subject, window)))
        return list(out)

    def _pairs(self, base: Changes, at: int) -> Iterator[tuple[Changes, Change]]:
        """Two changes that mend nothing without each other, in place of those of their kind."""
        pairs: dict[tuple[tuple[Hypothesis, Value], ...], None] = {}
        for stop in (at + NEAR, self.end):
            window = window_of(self.ledger, self.target, at, min(stop, self.end), None, self._memo)
            pairs.update(dict.fromkeys(rates_beside_rounding(self.subject, window)))
        for pair in pairs:
            news = [Change(hypothesis, value) for hypothesis, value in pair]
            rest = [old for old in base if not any(akin(old, new) for new in news)]
            yield self.catalogue.ordered((*rest, *news)), news[0]

    def _refined(self, base: Changes, at: int, symbols: Sequence[int]) -> Iterator[tuple[Changes, Change]]:
        """A change of the set that ends here, or has one symbol more, or one side only."""
        for old in base:
            others = [change for change in base if change is not old]
            if old.until is None:
                for until in (at, at - 1):
                    if until > old.since:
                        new = replace(old, until=until)
                        yield self.catalogue.ordered([*others, new]), new
            if old.symbols is not None and len(old.symbols) < MANY:
                for s in symbols[:SYMBOLS]:
                    new = replace(old, symbols=tuple(sorted({*old.symbols, s})))
                    yield self.catalogue.ordered([*others, new]), new
            if old.side is None and old.hypothesis.by_side:
                for side in SIDES:
                    new = replace(old, side=side)
                    yield self.catalogue.ordered([*others, new]), new


def _once(hypothesis: LoopHypothesis, value: Value, at: int, groups: Groups) -> Iterator[Change]:
    """A change at one bar only: something that happened once."""
    for since in (at, at - 1):
        if since < 0 or (since == at) == hypothesis.decides:
            continue
        yield Change(hypothesis, value, since, since + 1)
        if hypothesis.by_symbol:
            for group in groups:
                yield Change(hypothesis, value, since, since + 1, group)


def crowded(changes: Changes) -> bool:
    """Whether changes are limited to so many symbols together that they would fit anything."""
    return len({symbol for change in changes for symbol in change.symbols or ()}) > MANY


def _limits(change: Change) -> tuple[object, ...]:
    """Where a change holds: its bars, symbols and side."""
    return (change.since, change.until, change.symbols, change.side)
