"""Leads: what the evidence bears out where a whole explanation is not reached.

A difference that no hypothesis describes hides a plain mistake: no whole run ties out with either. So
the reference is put into the candidate's own State bar by bar, where other differences cannot carry over,
and does one cycle with a change and without it. A change that mends most of what differs in some column and
spoils nothing is a lead. It is reported apart from the causes, as no whole run proves it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar

from reconcile.explaining.confirm import Cycles, own_states, wrongs
from reconcile.explaining.counterfactuals import NO_RUN
from reconcile.explaining.hypotheses.catalogue import same_object
from reconcile.explaining.minimise import wordiness
from reconcile.explaining.model import Change, Changes, Kind, Lead, LoopHypothesis
from reconcile.explaining.search import Search
from vocabulary.scenario import Timing
from vocabulary.state import Side, State

MOST_LEADS = 3
SCREENED, TESTED = 10, 240
"""Cycles that every change is tried on, and those that a promising one is tested on; spread evenly."""
PROMISING = 6
"""Changes that are tested after the screening of all."""
ENOUGH, LEAST = 3, 8
"""Cycles in which a lead has to mend something, and cells of its column that it has to mend."""
MOST = 0.95
"""The share of the cells of its column that differ, which a lead has to mend; it spoils none of them."""
CHANCE = 3
"""Cells that a lead has to mend for each that it spoils in another column: where something else differs, too,
quantities that the cash limits come out otherwise by chance."""
QUANTITY, PRICE = "quantity", "price"
ENTRY = ("positions", "average_price")

Cell = tuple[str, int, str]
Column = tuple[str, str]
"""A table and a column, empty for rows that one side lacks."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a change does over some cycles, in cells by column. cycles: those in which it mends something."""

    change: Change
    mended: Counter[Column]
    spoiled: Counter[Column]
    differing: Counter[Column]
    cycles: int

    def column(self) -> Column | None:
        """The column that the change speaks for: most of what differs in it is mended, and nothing
        spoiled."""
        whole = [
            column
            for column, count in self.mended.items()
            if count >= max(LEAST, MOST * self.differing[column]) and not self.spoiled[column]
        ]
        return max(whole, key=lambda column: (self.mended[column], column)) if whole else None


def leads(search: Search, causes: Changes) -> tuple[tuple[Lead, ...], tuple[int, int] | None]:
    """Leads beside the causes found, and where the first trade still differs under all of them.

    The latter is (cycle, place of the symbol), None where no trade differs or the ledger has too little for
    its account to be rebuilt.
    """
    states = own_states(search, causes, whole=False)
    if not states:
        return (), None
    states = _spread([state for state in states if _possible(search, state)], TESTED)
    changes = causes
    found: list[Lead] = []
    wrong = wrongs(search, changes, states)
    while len(found) < MOST_LEADS:
        best = _best(search, changes, states, wrong)
        if best is None:
            break
        found.append(best)
        changes = search.catalogue.ordered((*changes, best.change))
        wrong = wrongs(search, changes, states)
    return tuple(found), _first_trade(search, wrong)


def _possible(search: Search, state: State) -> bool:
    """Whether a scenario allows a State: from one that it does not, the reference tells nothing about it."""
    allowed = search.subject.scenario.execution.allow_short
    return allowed or all(position.quantity > 0 for position in state.positions.values())


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """So many items, evenly spread."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]


def _best(search: Search, base: Changes, states: Sequence[State], wrong: Cycles) -> Lead | None:
    """The change that mends most of what differs, None where none mends enough of some column."""
    differing = [place for place, each in enumerate(wrong) if each is not None and each.cells and each.busy]
    sample = _spread(differing, SCREENED)
    tried = [_evidence(search, base, each, states, wrong, sample) for each in _changes(search, base)]
    helpful = [each for each in tried if each is not None and _helps(each)]
    helpful.sort(key=lambda each: (-_net(each), *wordiness(search, each.change)))
    every = range(len(wrong))
    tested = [_evidence(search, base, each.change, states, wrong, every) for each in helpful[:PROMISING]]
    whole = [each for each in tested if each is not None and _helps(each)]
    whole.sort(key=lambda each: (-_net(each), *wordiness(search, each.change)))
    return next((lead for lead in map(_lead, whole) if lead is not None), None)


def _net(evidence: _Evidence) -> int:
    return evidence.mended.total() - evidence.spoiled.total()


def _helps(evidence: _Evidence) -> bool:
    """Whether no column is spoiled that was right throughout, and the others no more than by chance."""
    if any(not evidence.differing[column] for column in evidence.spoiled):
        return False
    return evidence.mended.total() > CHANCE * evidence.spoiled.total()


def _changes(search: Search, base: Changes) -> Iterator[Change]:
    """Every hypothesis with its values, on both sides or one, that acts on what a State tells."""
    for hypothesis, value in search.proposals.values(0):
        plain = Change(hypothesis, value)
        if hypothesis.whole_run or _puts_off(search, base, plain) or _empties(search, base, plain):
            continue
        for side in (None, *Side) if hypothesis.by_side else (None,):
            change = Change(hypothesis, value, side=side)
            if not any(same_object(change, old) for old in base):
                yield change


def _puts_off(search: Search, base: Changes, change: Change) -> bool:
    """Whether a change executes orders in a later cycle than they were: one cycle cannot tell that from
    orders that never were."""
    if isinstance(change.hypothesis, LoopHypothesis):
        return change.hypothesis.bars_late(change.value) > 0
    if not search.target.axes.same_bar or change.hypothesis.kind is not Kind.SCENARIO:
        return False
    try:
        changed = search.runs.prepared(search.catalogue.ordered((*base, change))).scenario
    except NO_RUN:
        return True
    return changed.execution.timing is not Timing.SAME_CLOSE


def _empties(search: Search, base: Changes, change: Change) -> bool:
    """Whether a change of the report leaves a table empty in which the candidate has rows."""
    if change.hypothesis.kind is not Kind.REPORT:
        return False
    try:
        made = search.runs.ledger(search.catalogue.ordered((*base, change))).tables
    except NO_RUN:
        return True
    theirs = search.ledger.tables
    return any(theirs[name].rows and not table.rows for name, table in made.items() if name in theirs)


def _evidence(
    search: Search,
    base: Changes,
    change: Change,
    states: Sequence[State],
    wrong: Cycles,
    places: Sequence[int],
) -> _Evidence | None:
    """What a change does at some of the cycles; None where it allows no run."""
    changes = search.catalogue.ordered((*base, change))
    mended, spoiled, differing = Counter[Column](), Counter[Column](), Counter[Column]()
    cycles = met = off = 0
    for place, after in zip(places, wrongs(search, changes, [states[p] for p in places]), strict=True):
        before = wrong[place]
        if after is None or before is None:
            return None
        odd = {(t, key) for t, key, name in before.cells | after.cells if name in ("", QUANTITY)}
        was, now = _comparable(before.cells, odd), _comparable(after.cells, odd)
        better = _borne_out(was - now, after.cells)
        for count, cells in ((mended, better), (spoiled, now - was), (differing, was)):
            count.update((table, name) for table, _, name in cells)
        cycles += bool(better)
        rows = {(table, key) for table, key, name in was - now if not name and table == "fills"}
        met += len(rows)
        off += sum(name == PRICE and (table, key) in rows for table, key, name in after.cells)
    # A level that is met where the candidate trades says nothing where its prices, its other trades, or the
    # entry prices that a level is reckoned from, are others.
    apart = any(not name for _, name in spoiled) or differing[ENTRY] - mended[ENTRY] > met / 2
    if change.hypothesis.fitted and (2 * off > met or apart):
        return None
    return _Evidence(change, mended, spoiled, differing, cycles)


def _comparable(cells: AbstractSet[Cell], odd: AbstractSet[tuple[str, int]]) -> set[Cell]:
    """Cells without those that follow from another quantity of their row: a fee of another quantity is no
    other fee."""
    return {cell for cell in cells if cell[2] in ("", QUANTITY) or (cell[0], cell[1]) not in odd}


def _borne_out(mended: AbstractSet[Cell], after: AbstractSet[Cell]) -> set[Cell]:
    """What a change mends, without orders and fills whose target still differs: one towards another target is
    no lost one."""
    aimed = {key // 4 for table, key, name in after if table == "targets" and name in ("", QUANTITY)}
    return {(table, key, name) for table, key, name in mended if name or key // 4 not in aimed}


def _lead(evidence: _Evidence) -> Lead | None:
    """The lead, told by the column that the change speaks for."""
    column = evidence.column()
    if column is None or evidence.cycles < ENOUGH:
        return None
    where = f"{column[0]}.{column[1]}" if column[1] else column[0]
    return Lead(evidence.change, where, evidence.mended[column], evidence.differing[column])


def _first_trade(search: Search, wrong: Cycles) -> tuple[int, int] | None:
    """The cycle and the place of the symbol at which the first trade differs."""
    width = len(search.target.axes.places) + 1
    keys = [
        key
        for each in wrong
        if each is not None
        for table, key, _ in each.cells
        if table in search.target.trades
    ]
    return None if not keys else divmod(min(keys) // 4, width)
