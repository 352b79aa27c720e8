"""Reading the conventions of an engine off a ledger that it made.

The reference is put into the candidate's own State before a bar with trades and does that bar with one option
of one convention. What comes out right and wrong, cell by cell, is the evidence: other differences cannot
carry over from bar to bar. Where several conventions differ from the scenario, the one that mends most is
settled first, and the others are looked at beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reconcile.explaining.confirm import own_states, wrongs
from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.evidence import target_of
from reconcile.explaining.model import Change, Changes, Subject
from reconcile.explaining.search import Search
from reconcile.identifying.conventions import CONVENTIONS, IDENTIFYING, TRAIL, options
from reconcile.identifying.likeness import likenesses
from reconcile.identifying.model import Convention, Finding, Identification, Option, Status, Verdict
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.roots.file_orders import in_file_order
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Row, read_rows
from vocabulary.errors import TieoutError
from vocabulary.ledger import Kind, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import REBALANCE, Order, State

LOOKED_AT, SCREENED_ON = 60, 6
"""Bars with trades that are looked at, spread evenly; and those of them that differ, on which every option is
tried first."""
PROMISING = 8
"""Options that are tried on more bars after the screening of all."""
MOST = 8
"""Conventions that may differ from the scenario."""
CHANCE = 3
"""Cells that an option has to mend for each that it spoils: where something else differs too, some quantities
come out otherwise by chance."""
LEAST = 3
"""Cells that an option has to mend to be settled on."""
UNITS, SHARE = 2, Decimal("0.000001")
"""How far doubles may be off the rounded numbers: units of a price or quantity, and a share of an amount."""
HALF = 0.01
"""The part of a unit by which a double may miss a whole number of units, as sums of doubles do."""
FEW = 50
"""One cell in so many may contradict an option that is identified all the same: something else happened
there."""

FRACTIONS = (
    "The quantities are fractions of the scenario's unit, so sizes cannot fit:"
    " set quantity_decimals in [market]."
)

Cell = tuple[int, tuple[str, int, str]]
Cells = frozenset[Cell]
"""What an option gets wrong: (place of the bar, cell). None where it allows no run."""
Settled = Mapping[Convention, Option]
Asked = Mapping[Convention, Sequence[Option]]
Step = tuple[Convention, Option]
Say = Callable[[str], None]


def identify(
    scenario: Scenario,
    market: Market,
    ledger: Ledger,
    *,
    tolerances: Sequence[Tolerance] = (),
    say: Say = lambda _: None,
) -> Identification:
    """The conventions that a ledger shows, with the evidence for each, and the engines that have them.

    scenario, market: what the ledger is of; the scenario states the strategy, and a first guess of the rest.
    tolerances: bounds for a foreign ledger, as `compare` takes them. say: told what is being looked at.
    Raises TieoutError where the ledger cannot be compared with the scenario.
    """
    subject = Subject(scenario, market)
    runs = Counterfactuals(subject)
    target = target_of(ledger, scenario, market, (*tolerances, *_of_doubles(ledger, scenario, tolerances)))
    search = Search(ledger, target, runs, IDENTIFYING)
    states = own_states(search, (), whole=False)
    if not states:
        reason = "The ledger has no quantities of fills or positions, so its account cannot be rebuilt."
        return _cannot_tell(reason)
    busy = _busy(search, _with_pending(subject, ledger, states))
    if not busy:
        return _cannot_tell("The ledger has no trade at a bar of the market.")
    asked = {
        convention: options(convention, subject, search.proposals.values(0)) for convention in CONVENTIONS
    }
    notes = []
    if _fractions(ledger, scenario):
        notes.append(FRACTIONS)
        asked = {each: some for each, some in asked.items() if each.name != "quantity"}
    bench = _Bench(search, _spread(busy, LOOKED_AT))
    settled = _settle(bench, asked, say)
    judged = []
    for convention in asked:
        say(f"counting the evidence: {convention.question}")
        judged.append(_judge(bench, convention, asked[convention], settled))
    findings = tuple(each for each in judged if each is not None)
    wrong, cells = len(bench.wrong(settled) or ()), bench.cells
    return Identification(
        verdict=Verdict.PARTLY if wrong else Verdict.FITS,
        findings=findings,
        engines=likenesses(findings, subject),
        bars=len(bench.states),
        busy=len(busy),
        cells=cells,
        wrong=wrong,
        notes=tuple(notes),
    )


def _of_doubles(ledger: Ledger, scenario: Scenario, given: Sequence[Tolerance]) -> Iterator[Tolerance]:
    """Bounds for columns of doubles: the reference rounds to the scenario's units, such an engine does not.

    They serve as evidence only; no verdict about a match rests on them.
    """
    decimals = {Kind.PRICE: scenario.market.price_decimals, Kind.QUANTITY: scenario.market.quantity_decimals}
    known = {(one.table, one.column) for one in given}
    for name, table in ledger.tables.items():
        for column, cells in table.columns.items():
            if cells.scale is not None or (name, column) in known:
                continue
            if cells.kind in decimals:
                bound = UNITS * Decimal(1).scaleb(-decimals[cells.kind])
                yield Tolerance(name, column, BoundKind.ABSOLUTE, bound, "numbers that are not rounded")
            elif cells.kind is Kind.MONEY:
                yield Tolerance(name, column, BoundKind.RELATIVE, SHARE, "numbers that are not rounded")


def _fractions(ledger: Ledger, scenario: Scenario) -> bool:
    """Whether the ledger has quantities that are no whole number of the scenario's units."""
    fills = ledger.tables.get("fills")
    cells = None if fills is None else fills.columns.get("quantity")
    if cells is None or cells.scale is not None:
        return False
    units = cells.values * 10.0**scenario.market.quantity_decimals
    return bool((abs(units - units.round()) > HALF).any())


def _cannot_tell(reason: str) -> Identification:
    return Identification(Verdict.CANNOT_TELL, (), (), 0, 0, 0, 0, reason)


def _busy(search: Search, states: Sequence[State]) -> list[State]:
    """The states before the bars at which something was ordered or filled."""
    ahead = 0 if search.target.axes.same_bar else 1
    done = [name for name in ("orders", "fills") if name in search.target.tables] or search.target.trades
    cycles = {int(cycle) for name in done for cycle in search.target.tables[name].cycle.tolist()}
    return [state for state in states if state.bar + ahead in cycles]


def _with_pending(subject: Subject, ledger: Ledger, states: Sequence[State]) -> Sequence[State]:
    """The states with their pending orders, taken from the next bar's fills where the ledger has no orders.

    Without them, what that bar opened would be missing, and so would what closes it later. A close at a level
    is among them, too: its position is gone either way, and the evidence is that of the bar after.
    """
    scenario, market = subject.scenario, subject.market
    if "orders" in ledger.tables or scenario.execution.timing is Timing.SAME_CLOSE:
        return states
    history = History(scenario, market, read_rows(ledger, scenario, market))

    def waiting(state: State) -> tuple[Order, ...]:
        t = state.bar - 1
        made = history.fills(state, t + 1) if t + 1 < len(market.timestamps) else []
        orders = [Order(t, one.symbol, one.side, one.quantity, REBALANCE, None) for one in made]
        if history.from_file:
            placed = in_file_order(scenario, market, [(one, Row(0, one.symbol, {})) for one in orders], t)
            orders = [one for one, _ in placed]
        return tuple(orders)

    return [replace(state, pending=waiting(state)) for state in states]


def _spread(states: Sequence[State], count: int) -> list[State]:
    """So many states, evenly spread."""
    if len(states) <= count:
        return list(states)
    return [states[place * len(states) // count] for place in range(count)]


@dataclass(eq=False)
class _Bench:
    """Runs of some bars, each from the candidate's own State; what was asked once is kept."""

    search: Search
    states: Sequence[State]

    def __post_init__(self) -> None:
        self._known: dict[Changes, Cells | None] = {}

    @property
    def cells(self) -> int:
        """Cells of the trades of these bars."""
        ahead = 0 if self.search.target.axes.same_bar else 1
        bars = {state.bar + ahead for state in self.states}
        tables = [self.search.target.tables[name] for name in self.search.target.trades]
        return sum(
            sum(int(cycle) in bars for cycle in table.cycle.tolist()) * max(1, len(table.cells))
            for table in tables
        )

    def mostly_wrong(self, column: tuple[str, str] | None, wrong: Cells) -> bool:
        """Whether more than half of the cells of a column are among those that are wrong at these bars."""
        if column is None or column[0] not in self.search.target.tables:
            return False
        table = self.search.target.tables[column[0]]
        ahead = 0 if self.search.target.axes.same_bar else 1
        bars = {state.bar + ahead for state in self.states}
        rows = sum(int(cycle) in bars for cycle in table.cycle.tolist())
        return 2 * sum(cell[0] == column[0] and cell[2] == column[1] for _, cell in wrong) > rows

    def wrong(self, settled: Settled) -> Cells | None:
        """What these options get wrong together; None where they allow no run."""
        changes = self.search.catalogue.ordered(_changes(settled))
        if changes not in self._known:
            self._known[changes] = self._run(changes)
        return self._known[changes]

    def _run(self, changes: Changes) -> Cells | None:
        found = wrongs(self.search, changes, self._states_under(changes))
        if any(each is None for each in found):
            return None
        return frozenset(
            (place, part)
            for place, each in enumerate(found)
            if each is not None
            for cell in each.cells
            for part in self._parts(cell)
        )

    def _states_under(self, changes: Changes) -> Sequence[State]:
        """The states; where extremes move by another rule (X6), with the extremes of that rule."""
        if not any(change.hypothesis is TRAIL for change in changes):
            return self.states
        try:
            moved = {state.bar: state for state in own_states(self.search, changes, whole=False) or ()}
        except TieoutError:  # a scenario without levels has no such setting
            return self.states
        return [
            replace(state, positions=moved[state.bar].positions) if state.bar in moved else state
            for state in self.states
        ]

    def _parts(self, cell: tuple[str, int, str]) -> Iterator[tuple[str, int, str]]:
        """A cell; of a row that one side lacks, every cell: such a row is further off than a wrong price."""
        yield cell
        table, key, column = cell
        if not column:
            yield from ((table, key, name) for name in self.search.target.tables[table].cells)


def _changes(settled: Settled) -> Iterable[Change]:
    return (option.change for option in settled.values() if option.change is not None)


def _settle(bench: _Bench, asked: Asked, say: Say) -> Settled:
    """The options under which most comes out right, found one after the other."""
    settled = {convention: some[0] for convention, some in asked.items()}
    every = [(convention, option) for convention, some in asked.items() for option in some]
    for turn in range(MOST):
        wrong = bench.wrong(settled)
        if not wrong:
            break
        say(f"settling what differs from the scenario, {turn + 1} of at most {MOST}")
        places = sorted({place for place, _ in wrong})
        screen = _Bench(bench.search, _spread([bench.states[place] for place in places], SCREENED_ON))
        best = _helpful(bench, settled, _helpful(screen, settled, every)[:PROMISING], LEAST)
        if not best:
            break
        settled[best[0][0]] = best[0][1]
    return settled


def _helpful(bench: _Bench, settled: Settled, tried: Iterable[Step], least: int = 1) -> list[Step]:
    """The options that mend at least so many cells, the one that mends most first."""
    now = bench.wrong(settled) or frozenset()
    found: list[tuple[int, int, Step]] = []
    for place, (convention, option) in enumerate(tried):
        then = None if option is settled[convention] else bench.wrong({**settled, convention: option})
        if then is None:
            continue
        mended, spoiled = len(now - then), len(then - now)
        if mended >= least and mended > CHANCE * spoiled:
            found.append((spoiled - mended, place, (convention, option)))
    return [step for _, _, step in sorted(found, key=lambda each: each[:2])]


def _judge(bench: _Bench, convention: Convention, some: Sequence[Option], settled: Settled) -> Finding | None:
    """What the bars show about one convention, beside the others as they were settled.

    None where the scenario leaves no other option.
    """
    own = settled[convention]
    right = bench.wrong(settled) or frozenset()
    equal: list[Option] = []
    fits: set[Cell] = set()
    contradicts: set[Cell] = set()
    ran = False
    for option in some:
        other = None if option is own else bench.wrong({**settled, convention: option})
        if other is None:
            continue
        ran = True
        if other == right:
            equal.append(option)
        elif len(other) - len(right) > 0 or len(other - right) * CHANCE > len(right - other):
            fits |= other - right
        else:
            contradicts |= right - other
    if not ran:
        return None
    status = Status.IDENTIFIED
    if len(contradicts) * FEW > len(fits) or bench.mostly_wrong(convention.column, right):
        status = Status.CONTRADICTED
    elif equal:
        status = Status.SEVERAL if fits else Status.CANNOT_TELL
    elif not fits:
        status = Status.CANNOT_TELL
    stated = None if own is some[0] else some[0]
    return Finding(convention, status, own, tuple(equal), len(fits), len(contradicts), stated)
