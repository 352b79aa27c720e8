"""What to try next: sets of changes one step away from those found so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from reconcile.explaining.catalogue import BY_ID, every_value
from reconcile.explaining.counterfactuals import Changes
from reconcile.explaining.evidence import Target
from reconcile.explaining.measure import measure
from reconcile.explaining.measure_exits import exit_levels
from reconcile.explaining.model import Change, Hypothesis, Kind, Subject, Value
from reconcile.explaining.score_cache import kind_of, ordered
from reconcile.explaining.scoring import suspects
from vocabulary.ledger import Ledger
from vocabulary.state import Side

NEAR = 20
"""Bars from the first divergence on that values are read off."""
SYMBOLS, MANY = 4, 6
"""Symbols that a change is limited to one by one, and together: a longer list would fit anything,
in one change or in several."""
SIDES = (Side.BUY, Side.SELL)
DECIDED = ("lot", "exit_unsent", "order_lost", "order_late")
"""Loop changes that act at the bar of the decision."""

Groups = Sequence[tuple[int, ...]]


class Proposals:
    """What may be tried at a divergence, with values read off the candidate's ledger."""

    def __init__(self, subject: Subject, ledger: Ledger, target: Target) -> None:
        self.subject, self.ledger, self.target = subject, ledger, target
        self.end = len(subject.market.timestamps) + 3
        self._exits: dict[tuple[str, str], tuple[int, ...]] | None = None

    def around(
        self, base: Changes, predicted: Ledger, at: int, begun: bool
    ) -> Iterator[tuple[Changes, Change]]:
        """Sets one step away from `base`, which predicts a ledger: a change more, one in place of another,
        or one with other limits. begun: what the account began with agrees."""
        who = suspects(self.target, predicted, at)
        known = range(len(self.subject.market.symbols))
        symbols, others = ([s for s in some if s in known] for some in (who.symbols, who.others))
        groups: list[tuple[int, ...]] = [(s,) for s in [*symbols, *others][:SYMBOLS]]
        if 1 < len(symbols) <= MANY:
            groups.append(tuple(sorted(symbols)))
        sides = [SIDES[side] for side in who.sides if side < len(SIDES)]
        seen = {base}
        for change in self._changes(at, symbols, groups, sides):
            if begun and change.hypothesis == "capital":
                continue
            alike = [old for old in base if same_setting(old, change)]
            options = [(*(c for c in base if c is not old), change) for old in base if akin(old, change)]
            if not any(_limits(old) == _limits(change) for old in alike):
                options.insert(0, (*base, change))
            for option in options:
                changes = ordered(option)
                if changes not in seen and not crowded(changes):
                    seen.add(changes)
                    yield changes, change
        for changes, new in _refined(base, at, symbols):
            if changes not in seen and not crowded(changes):
                seen.add(changes)
                yield changes, new

    def _changes(
        self, at: int, symbols: Sequence[int], groups: Groups, sides: Sequence[Side]
    ) -> Iterator[Change]:
        for hypothesis, value in self.values(at, symbols):
            yield Change(hypothesis.id, value)
            if hypothesis.by_side:
                for side in sides:
                    yield Change(hypothesis.id, value, side=side)
            if hypothesis.by_symbol:
                for group in groups:
                    yield Change(hypothesis.id, value, symbols=group)
            if hypothesis.by_symbol and hypothesis.by_side and hypothesis.kind is Kind.LOOP:
                for group, side in product(groups, sides):
                    yield Change(hypothesis.id, value, symbols=group, side=side)
            if hypothesis.kind is Kind.LOOP and not hypothesis.whole_run:
                yield from _once(hypothesis, value, at, groups)

    def values(self, at: int, symbols: Sequence[int] = ()) -> list[tuple[Hypothesis, Value]]:
        """The catalogue, with values read off near a cycle, from there to the end, and off some symbols."""
        if self._exits is None:
            self._exits = exit_levels(self.subject, self.target)
        windows: list[tuple[int, tuple[int, ...] | None]] = [(at + NEAR, None), (self.end, None)]
        if symbols:
            windows += [(at + 1, tuple(symbols)), (self.end, tuple(symbols))]
        out: dict[tuple[str, Value], tuple[Hypothesis, Value]] = {}
        for stop, only in windows:
            found = measure(
                self.subject, self.ledger, self.target, at, min(stop, self.end), self._exits, only
            )
            for hypothesis, value in every_value(self.subject, found):
                out.setdefault((hypothesis.id, value), (hypothesis, value))
        return list(out.values())


def _once(hypothesis: Hypothesis, value: Value, at: int, groups: Groups) -> Iterator[Change]:
    """At one bar only: what happened once."""
    for since in (at, at - 1):
        if since < 0 or (since == at) == (hypothesis.id in DECIDED):
            continue
        yield Change(hypothesis.id, value, since, since + 1)
        if hypothesis.by_symbol:
            for group in groups:
                yield Change(hypothesis.id, value, since, since + 1, group)


def _refined(base: Changes, at: int, symbols: Sequence[int]) -> Iterator[tuple[Changes, Change]]:
    """A change that ends here, or is about one symbol more."""
    for old in base:
        others = [change for change in base if change is not old]
        if old.until is None:
            for until in (at, at - 1):
                if until > old.since:
                    new = replace(old, until=until)
                    yield ordered([*others, new]), new
        if old.symbols is not None and len(old.symbols) < MANY:
            for s in symbols[:SYMBOLS]:
                new = replace(old, symbols=tuple(sorted({*old.symbols, s})))
                yield ordered([*others, new]), new
        if old.side is None and BY_ID[old.hypothesis].by_side:
            for side in SIDES:
                new = replace(old, side=side)
                yield ordered([*others, new]), new


NAMED = ("sign_flipped", "reported_zero", "unreported", "exit_unused", "exit_unsent")
"""What is about something its value names, besides settings, features and context columns."""


def same_setting(a: Change, b: Change) -> bool:
    """Whether two changes are about one setting or datum, so that one may stand in the other's place."""
    if a.hypothesis != b.hypothesis:
        return False
    if (
        kind_of(a) is Kind.SCENARIO
        or a.hypothesis.startswith(("feature_", "context_"))
        or a.hypothesis in NAMED
    ):
        return _name(a) == _name(b)
    return True


EVERY = "*"
"""What stands for all exits."""
FAMILIES = (
    ("commission", "commission_factor"),
    ("timing", "execution_price", "order_late"),
    ("gate", "context_zero", "context_zero_filled", "context_carried", "context_shifted"),
    ("exit_unused", "exit_unsent", "exit_setting"),
    ("sequence", "buys_first", "cash"),
    ("order_lost", "fill_dropped", "fill_unbooked", "unreported"),
    ("fill_doubled", "fill_booked_twice"),
    ("feature_shifted", "feature_reversed", "feature_zero_filled", "feature_carried", "feature_misaligned"),
)
"""Hypotheses that look alike at first, so that one may have been taken for another."""


def akin(old: Change, new: Change) -> bool:
    """Whether one change may stand in the other's place."""
    if old.hypothesis == new.hypothesis and EVERY in (old.value, new.value):
        return True
    return same_setting(old, new) or any(
        {old.hypothesis, new.hypothesis} <= set(family)
        for family in FAMILIES
        if old.hypothesis != new.hypothesis
    )


def _name(change: Change) -> Value:
    return change.value[0] if isinstance(change.value, tuple) else change.value


def crowded(changes: Changes) -> bool:
    """Whether changes are limited to more symbols, together, than would speak for them."""
    return len({symbol for change in changes for symbol in change.symbols or ()}) > MANY


def _limits(change: Change) -> tuple[object, ...]:
    return (change.since, change.until, change.symbols, change.side)
