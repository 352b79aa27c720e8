"""How well a set of changes does: around a divergence first, then over the whole market."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from reconcile.explaining.catalogue import BY_ID, PLACE
from reconcile.explaining.counterfactuals import Changes, Worlds
from reconcile.explaining.evidence import Target
from reconcile.explaining.loop import slack
from reconcile.explaining.model import Change, Kind, Value
from reconcile.explaining.scoring import Score, score
from vocabulary.errors import TieoutError

AFTER = 2
"""Cycles from the first divergence on that a hypothesis is tried on."""
LOSES = Score(-1, 0.0, -1, 0.0)


class View(Enum):
    """Which divergence a search looks at: the first in what was done (targets, orders, fills), or the first
    in anything told. What was booked wrongly shows in cash long before it shows in a trade."""

    LIVED = "lived"
    TOLD = "told"

    def of(self, result: Score) -> Score:
        """A score with what this view looks at first in front."""
        if self is View.LIVED:
            return result
        return Score(result.whole, result.whole_share, result.lived, result.lived_share)

    def first(self, result: Score) -> int:
        """The cycle of its divergence."""
        return result.lived if self is View.LIVED else result.whole


def kind_of(change: Change) -> Kind:
    """Where a change acts. Settings of an order's side or symbol are settings still."""
    return BY_ID[change.hypothesis].kind


def ordered(changes: Iterable[Change]) -> Changes:
    """The order in which changes are applied: as listed in the catalogue, then as they begin."""
    return tuple(sorted(set(changes), key=lambda c: (PLACE[c.hypothesis], c.since, repr(c.value), repr(c))))


def plainness(change: Change) -> tuple[int, ...]:
    """Sorts the plainer of two changes first: fewer limits, then the catalogue's order."""
    limits = (change.since > 0) + (change.until is not None) + (change.symbols is not None)
    return (limits + (change.side is not None), PLACE[change.hypothesis])


def numbers(value: Value) -> int:
    """How many numbers other than 0 a change's value names."""
    if isinstance(value, tuple):
        return sum(map(numbers, value))
    try:
        return int(value is not None and float(value) != 0)
    except ValueError:
        return 0


def needs_loop(changes: Changes, base: Changes) -> bool:
    """Whether explain's own loop has to run `changes` because of what they add to `base`."""
    return any(
        kind_of(c) is Kind.LOOP
        or c.side is not None
        or (kind_of(c) is Kind.SCENARIO and c.symbols is not None)
        for c in changes
        if c not in base
    )


class Gauge:
    """Scores of worlds against one candidate's ledger; whole ones are kept."""

    def __init__(self, target: Target, worlds: Worlds) -> None:
        self.target, self.worlds = target, worlds
        self.bars = worlds.bars
        self.end = self.bars + 3
        self.known: dict[Changes, Score] = {}

    def done(self, result: Score) -> bool:
        """Whether nothing differs."""
        return result.whole >= self.end

    def full(self, changes: Changes, at: int = 0) -> Score:
        """The score over the whole market; where explain's own loop has to run, only as far as what is done
        agrees, in stretches that begin with the cycle `at`."""
        if changes not in self.known:
            self.known[changes] = _or_loses(lambda: self._full(changes, at))
        return self.known[changes]

    def _full(self, changes: Changes, at: int) -> Score:
        if not self.worlds.by_engine(changes):
            until, more = at + AFTER, self._beyond(changes)
            while until + more < self.bars:
                result = score(self.target, self.worlds.first_bars(changes, until + more), 0, until)
                if result.lived < until:
                    return result
                until *= 2
        return score(self.target, self.worlds.ledger(changes), 0, self.end)

    def _beyond(self, changes: Changes) -> int:
        """Bars to run beyond a stretch of cycles, so that every order decided in it has met its bar: late
        ones, and those of a timing that takes a bar more than the scenario's own."""
        return slack(changes) + self.target.axes.same_bar

    def near(self, changes: Changes, base: Changes, at: int, beats: Score | None = None) -> Score:
        """The score from cycle `at` on, from the state that `base` had when it was decided."""
        until = min(self.bars, at + AFTER)
        stop = min(self.bars, until + self._beyond(changes))
        begin = max(0, at - 1)

        def result() -> Score:
            if begin == 0 or any(BY_ID[c.hypothesis].whole_run for c in changes if c not in base):
                return score(self.target, self.worlds.first_bars(changes, stop), 0, until, beats)
            state = self.worlds.state(base, begin)
            return score(self.target, self.worlds.window(changes, state, stop), at, until, beats)

        return _or_loses(result)


def _or_loses(result: Callable[[], Score]) -> Score:
    """What allows no run (a value out of range, a setting refused) comes last."""
    try:
        return result()
    except TieoutError:
        return LOSES
