"""Whether a cause holds cycle by cycle, where a run of the whole set is not proof enough.

The reference is put into the candidate's own State before each cycle and does the cycle with the cause and
without it. A true cause mends cycles again and again and spoils none. What fits a divergence by chance is
wrong elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconcile.explaining.bar_loop import Standing
from reconcile.explaining.counterfactuals import NO_RUN
from reconcile.explaining.model import Change, Changes, Kind
from reconcile.explaining.proposals import crowded
from reconcile.explaining.scoring import View, Wrong, suspects, wrong_at
from reconcile.explaining.search import Search
from reconcile.roots.rebuild import rebuild_states
from reconcile.roots.resync import can_resync
from vocabulary.errors import TieoutError
from vocabulary.state import State

ENOUGH = 3
"""Cycles that only the cause has to get right. Those in which nothing was done do not count, as many things
bring that about."""
AGAIN = 2
"""The same for a cause that is limited to some symbols and accounts for all breaks: once would be chance."""
Cycles = Sequence[Wrong | None]
"""What a set gets wrong in each cycle; None where it allows no run."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the cycles show about a cause.

    confirmed: cycles that only the set with the cause gets right. refuted: cycles in which it spoils
    something. mended: cells that only it gets right. left: cells of the same columns that it gets wrong.
    """

    confirmed: int
    refuted: int
    mended: int
    left: int

    def holds(self, change: Change, needed: int) -> bool:
        """Whether the cycles speak for the cause.

        A setting of some symbols alone is none while the same columns differ elsewhere, and a level is none
        that leaves most of what differs in them: something else is wrong there.
        """
        if change.hypothesis.kind is Kind.SCENARIO and change.symbols is not None and self.left:
            return False
        if change.hypothesis.fitted and self.left > self.mended:
            return False
        return self.confirmed >= needed and self.refuted * 20 <= self.confirmed


def _needed(change: Change, whole: bool) -> int:
    """Cycles that have to confirm a change. A beginning and an end are two more numbers that were fitted, and
    where breaks remain nothing else supports them."""
    ends = (change.since > 0) + (change.until is not None)
    if whole:
        return ENOUGH * ends or AGAIN
    return ENOUGH * (1 + 2 * ends)


def confirmed(search: Search, changes: Changes, whole: bool) -> Changes:
    """The changes of a set that hold cycle by cycle.

    whole: the set gives the candidate's ledger; then only `_narrow` changes are tested, as enough such limits
    turn any ledger into any other. What the loop did at one bar only has no second cycle to show.
    """
    if not whole:
        listed = tuple(change for change in changes if not _goes_on(search, changes, change))
        if listed != changes:
            return confirmed(search, listed, False)
    asked = tuple(change for change in changes if not whole or _narrow(change))
    if not asked:
        return changes
    states = own_states(search, changes, whole)
    if states is None:
        return changes if whole else ()
    kept = []
    right = wrongs(search, changes, states)
    for change in changes:
        rest = tuple(other for other in changes if other != change)
        if change not in asked:
            holds = True
        elif change.hypothesis.at_start:
            gained = search.full(changes).whole - max(0, search.full(rest).whole)
            holds = gained > ENOUGH
        else:
            tally = _tally(search, right, wrongs(search, rest, states), change.hypothesis.kind)
            holds = tally.holds(change, _needed(change, whole))
        if holds:
            kept.append(change)
    # What holds beside another that does not may not hold without it.
    return changes if len(kept) == len(changes) else confirmed(search, tuple(kept), False)


def _goes_on(search: Search, changes: Changes, change: Change) -> bool:
    """Whether a list of symbols that is as long as allowed would do better with one symbol more. Then the
    cause is not about those symbols: something else fits them, and would fit others."""
    if change.symbols is None:
        return False
    now = search.full(changes)
    for view in View:
        at = view.first(now)
        if at >= search.gauge.bars:
            continue
        for symbol in suspects(search.target, search.runs.ledger(changes), at).symbols:
            wider = replace(change, symbols=tuple(sorted({*change.symbols, symbol})))
            more = search.catalogue.ordered([wider, *(other for other in changes if other is not change)])
            if crowded(more) and view.of(search.full(more)) > view.of(now):
                return True
    return False


def _narrow(change: Change) -> bool:
    """Whether a change has limits that may overfit: dates, unless the loop did something once, or symbols of
    a setting or of data."""
    kind = change.hypothesis.kind
    if change.symbols is not None and kind in (Kind.SCENARIO, Kind.INPUT):
        return True
    once = change.until == change.since + 1 and kind is Kind.LOOP
    return (change.since > 0 or change.until is not None) and not once


def own_states(search: Search, changes: Changes, whole: bool) -> list[State] | None:
    """The candidate's State before each bar, None where its ledger does not tell.

    Where the set gives the whole ledger, the states are read off that run: it has every table, exact, and
    nothing in it is reported wrongly.
    """
    acting = tuple(change for change in changes if change.hypothesis.kind is not Kind.REPORT)
    ledger = search.runs.ledger(acting) if whole else search.ledger
    if not can_resync(ledger):
        return None
    prepared = search.runs.prepared(changes)
    try:
        return list(rebuild_states(ledger, prepared.scenario, prepared.market))
    except TieoutError:
        return None


def _tally(search: Search, with_it: Cycles, without: Cycles, kind: Kind) -> Tally:
    """Counts cycles. A change of the report is tested on all tables, any other on the trades."""
    tables = set(search.target.tables if kind is Kind.REPORT else search.target.trades)
    gained = lost = mended = 0
    columns: set[tuple[str, str]] = set()
    still: list[tuple[str, str]] = []
    for a, b in zip(with_it, without, strict=True):
        if a is None or b is None:
            continue
        mine = {cell for cell in a.cells if cell[0] in tables}
        others = {cell for cell in b.cells if cell[0] in tables}
        lost += bool(mine - others)
        gained += bool(others) and not mine and a.busy
        mended += len(others - mine)
        columns |= {(table, column) for table, _, column in others - mine}
        still += [(table, column) for table, _, column in mine]
    return Tally(gained, lost, mended, sum(each in columns for each in still))


def wrongs(search: Search, changes: Changes, states: Sequence[State]) -> list[Wrong | None]:
    """What a set gets wrong in each cycle, every time from the candidate's own State."""
    ahead = 1 if search.target.axes.same_bar else 2
    out: list[Wrong | None] = []
    for state in states:
        stop = state.bar + ahead
        if stop > search.gauge.bars:
            break
        try:
            ledger = search.runs.window(changes, Standing(state), stop)
        except NO_RUN:
            out.append(None)
            continue
        out.append(wrong_at(search.target, ledger, stop - 1))
    return out
