"""Whether a cause holds cycle by cycle, where a set of causes does not account for everything.

The reference stands in the candidate's own State before each cycle and does that cycle with the cause and
without it. A true cause is right where the scenario without it is wrong, again and again, and never the other
way round. What fits a divergence by chance is wrong elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.comparison.rebuild import rebuild_states
from reconcile.comparison.resync import can_resync
from reconcile.explain.evidence import score
from reconcile.explain.gauge import kind_of
from reconcile.explain.loop import Standing
from reconcile.explain.nouns import Kind
from reconcile.explain.search import Search
from reconcile.explain.worlds import Changes
from vocabulary.errors import TieoutError
from vocabulary.state import State

ENOUGH = 3
"""Cycles that only the cause gets right. Those in which nothing was done do not count: many things bring that
about."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Cycles that only the set with a cause gets right, and that only the set without it does."""

    confirmed: int
    refuted: int

    def holds(self) -> bool:
        """Whether that speaks for the cause."""
        return self.confirmed >= ENOUGH and self.refuted * 20 <= self.confirmed


def confirmed(search: Search, changes: Changes) -> Changes:
    """The changes of a set that hold cycle by cycle."""
    if not changes or not can_resync(search.ledger):
        return ()
    prepared = search.worlds.prepared(changes)
    try:
        states = list(rebuild_states(search.ledger, prepared.scenario, prepared.market))
    except TieoutError:
        return ()
    right = _right(search, changes, states)
    kept = []
    for change in changes:
        rest = tuple(other for other in changes if other != change)
        if change.hypothesis == "capital":
            holds = search.full(changes).whole > max(0, search.full(rest).whole)
        else:
            holds = _tally(right, _right(search, rest, states), kind_of(change)).holds()
        if holds:
            kept.append(change)
    # What holds beside another that does not may not hold without it.
    return tuple(kept) if len(kept) == len(changes) else confirmed(search, tuple(kept))


def _tally(with_it: list[tuple[bool, bool]], without: list[tuple[bool, bool]], kind: Kind) -> Tally:
    place = 1 if kind is Kind.REPORT else 0
    pairs = [(a[place], b[place]) for a, b in zip(with_it, without, strict=True)]
    return Tally(sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs))


def _right(search: Search, changes: Changes, states: list[State]) -> list[tuple[bool, bool]]:
    """By cycle: whether what was done comes out, and whether everything reported does."""
    ahead = 1 if search.target.axes.same_bar else 2
    out = []
    for state in states[: len(states) - ahead + 1]:
        if state.bar + ahead > search.gauge.bars:
            break
        stop = state.bar + ahead
        try:
            ledger = search.worlds.window(changes, Standing(state), stop)
            result = score(search.target, ledger, stop - 1, stop)
        except TieoutError:
            out.append((False, False))
            continue
        done = result.lived >= stop
        out.append((done and _busy(search, stop - 1), done and result.whole >= stop))
    return out


def _busy(search: Search, cycle: int) -> bool:
    """Whether the candidate did anything in a cycle."""
    target = search.target
    return any(
        rows.stop > rows.start
        for rows in (target.tables[name].within(cycle, cycle + 1) for name in target.lived)
    )
