"""One bar after the other over the parts of the reference, with hooks between them.

Without a hook it makes the reference's own days. Hypotheses of `explain` and faults of `drill` bring hooks;
engine and reference hold no code for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import reference
from reconcile.scenario import programs
from reference import Day, Decision, Execution, Sizing, Valuation
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Order, OrderType, State, Status

Decide = Callable[[Scenario, State, Market, int], Decision]
"""`reference.decide`, or one that remembers."""

Due = tuple[int, Order]
"""An order and the bar it executes at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a hook stands. scenario: in force for the bar, or for the order at hand. state: as it is before
    the decision or the fill at hand."""

    scenario: Scenario
    market: Market
    bar: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What happens between the parts of a bar, beside what the reference does.

    marked: the state of a bar that was marked (M3).
    fired: the exits of a bar, symbol -> reason, in place of those of the rules.
    decided: the decision as it is sent.
    delay: by how many bars an order is late; asked once, at the bar it should execute at.
    sequenced: orders as they meet the cash, from those given and those of the reference's sequence.
    meets: the scenario that an order meets, from the one it would.
    executed: what becomes of an order.
    recorded: how often an execution stands in the ledger.
    bookings: how often a fill is booked, from how often it would be.
    booked: the state after a booking, from what it should be; the moment's state is the one before it.
    day: the bar as a whole, once it is done.
    """

    marked: Callable[[Moment], State] | None = None
    fired: Callable[[Moment], Mapping[int, str]] | None = None
    decided: Callable[[Moment, Decision], Decision] | None = None
    delay: Callable[[Moment, Order], int] | None = None
    sequenced: Callable[[Moment, Sequence[Order], Sequence[Order]], Sequence[Order]] | None = None
    meets: Callable[[Moment, Order], Scenario] | None = None
    executed: Callable[[Moment, Execution], Execution] | None = None
    recorded: Callable[[Moment, Execution], int] | None = None
    bookings: Callable[[Moment, Execution, int], int] | None = None
    booked: Callable[[Moment, State, Execution], State] | None = None
    day: Callable[[Moment, Day], Day] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands between two bars. waiting: orders that are later than a State can tell."""

    state: State
    waiting: tuple[Due, ...] = ()


class BarLoop:
    """A loop over a market. scenario_at: the scenario in force at a bar. hooks: asked in their order."""

    def __init__(
        self,
        market: Market,
        scenario_at: Callable[[int], Scenario],
        hooks: Sequence[Hooks] = (),
        decide: Decide = programs.decide,
    ) -> None:
        self.market, self.scenario_at, self._decide = market, scenario_at, decide
        self._marked = [hook.marked for hook in hooks if hook.marked]
        self._fired = [hook.fired for hook in hooks if hook.fired]
        self._decided = [hook.decided for hook in hooks if hook.decided]
        self._delay = [hook.delay for hook in hooks if hook.delay]
        self._sequenced = [hook.sequenced for hook in hooks if hook.sequenced]
        self._meets = [hook.meets for hook in hooks if hook.meets]
        self._executed = [hook.executed for hook in hooks if hook.executed]
        self._recorded = [hook.recorded for hook in hooks if hook.recorded]
        self._bookings = [hook.bookings for hook in hooks if hook.bookings]
        self._booked = [hook.booked for hook in hooks if hook.booked]
        self._day = [hook.day for hook in hooks if hook.day]

    def days(self, start: Standing, until: int) -> Iterator[tuple[Day, Standing]]:
        """Bars [start.state.bar, until), each with where it leaves the run."""
        state, waiting, market = start.state, list(start.waiting), self.market
        for t in range(state.bar, until):
            scenario = self.scenario_at(t)
            state, flows = reference.pay(scenario, state, market, t)
            closed: list[Execution] = []
            sizing = None
            if scenario.execution.timing is Timing.SAME_CLOSE:
                state = self._at_levels(scenario, state, t, closed)
                state, _ = self._mark(scenario, state, t)
                decision = self._sent(scenario, state, t)
                due = self._due(scenario, state, t, waiting, decision.orders)
                state, traded = self._traded(scenario, state, t, due)
                submitted, executions = (*_orders(closed), *due), (*closed, *traded)
            elif scenario.execution.timing is Timing.NEXT_CLOSE:
                state = self._at_levels(scenario, state, t, closed)
                gone = {execution.order.symbol for execution in closed}
                sizing = reference.size_at_execution(scenario, state, market, t, gone)
                due = self._due(scenario, state, t, waiting, _with_sized(state, sizing))
                state, traded = self._traded(scenario, state, t, due, gone)
                submitted, executions = (*due, *_orders(closed)), (*closed, *traded)
            else:
                sizing = reference.size_at_execution(scenario, state, market, t)
                due = self._due(scenario, state, t, waiting, _with_sized(state, sizing))
                now = [order for order in due if order.type is OrderType.MARKET]
                resting = [order for order in due if order.type is not OrderType.MARKET]
                state, traded = self._traded(scenario, state, t, now)
                state = self._at_levels(scenario, state, t, closed, (reference.Part.OPEN,))
                first = len(closed)
                gone = {execution.order.symbol for execution in closed}
                state, met = self._in_turn(scenario, state, t, resting, gone)
                moved = {execution.fill.symbol for execution in met if execution.fill is not None}
                state = self._at_levels(scenario, state, t, closed, (reference.Part.WAY,), moved)
                submitted = (*due, *_orders(closed))
                executions = (*traded, *closed[:first], *met, *closed[first:])
            state = reference.moved_extremes(scenario, state, market, t)
            state, valuation = self._mark(scenario, state, t)
            if scenario.execution.timing is not Timing.SAME_CLOSE:
                decision = self._sent(scenario, state, t)
            state = reference.hand_over(scenario, state, market, t, decision)
            day = Day(t, submitted, executions, decision, valuation, state, flows, sizing)
            for hook in self._day:
                day = hook(Moment(scenario, market, t, day.state), day)
            state = day.state
            yield day, Standing(state, tuple(waiting))

    def _mark(self, scenario: Scenario, state: State, t: int) -> tuple[State, Valuation]:
        state, valuation = reference.mark(scenario, state, self.market, t)
        for hook in self._marked:
            state = hook(Moment(scenario, self.market, t, state))
        return state, valuation

    def _sent(self, scenario: Scenario, state: State, t: int) -> Decision:
        """The decision of bar t as it is sent."""
        if self._fired:
            fired = self._fired[-1](Moment(scenario, self.market, t, state))
            decision = programs.decide(scenario, state, self.market, t, fired)
        else:
            decision = self._decide(scenario, state, self.market, t)
        for hook in self._decided:
            decision = hook(Moment(scenario, self.market, t, state), decision)
        return decision

    def _due(
        self, scenario: Scenario, state: State, t: int, waiting: list[Due], orders: tuple[Order, ...]
    ) -> tuple[Order, ...]:
        """The orders that execute at bar t: first those late until now, then those of the bar that are not
        late. `waiting` loses the former and gains the latter's rest."""
        if not self._delay and not waiting:
            return orders
        now = [order for bar, order in waiting if bar == t]
        waiting[:] = [entry for entry in waiting if entry[0] > t]
        at = Moment(scenario, self.market, t, state)
        for order in orders:
            late = next((bars for bars in (hook(at, order) for hook in self._delay) if bars), 0)
            if late:
                waiting.append((t + late, order))
            else:
                now.append(order)
        return tuple(now)

    def _at_levels(
        self,
        scenario: Scenario,
        state: State,
        t: int,
        closed: list[Execution],
        parts: tuple[reference.Part, ...] = reference.WHOLE_BAR,
        moved: Set[int] = frozenset(),
    ) -> State:
        """X5, X9: the closes at levels in these parts of bar t, added to `closed`; the state after them.

        moved: symbols of which a limit or stop was filled in this bar; they are not tested (X5).
        """
        for symbol in sorted(state.positions.keys() - moved):
            position = state.positions[symbol]
            at = Moment(scenario, self.market, t, state)
            execution = reference.closing(scenario, position, self.market, t, symbol, parts)
            if execution is None:
                continue
            for meets in self._meets:
                at = Moment(meets(at, execution.order), self.market, t, state)
                execution = (
                    reference.closing(at.scenario, position, self.market, t, symbol, parts) or execution
                )
            closed += self._recorded_as(at, execution)
            state = reference.barred_after_level(scenario, self._after(at, closed[-1]), t, symbol)
        return state

    def _traded(
        self, scenario: Scenario, state: State, t: int, orders: Sequence[Order], gone: Set[int] = frozenset()
    ) -> tuple[State, tuple[Execution, ...]]:
        """E1: the orders of a bar, one by one, each meeting what the earlier ones left.

        gone: symbols that a level has closed in this bar; what was ordered of them is not executed (X9).
        """
        turn: Sequence[Order] = reference.sequence(scenario, orders, self.market)
        for sequenced in self._sequenced:
            turn = sequenced(Moment(scenario, self.market, t, state), orders, turn)
        return self._in_turn(scenario, state, t, turn, gone)

    def _in_turn(
        self, scenario: Scenario, state: State, t: int, turn: Sequence[Order], gone: Set[int]
    ) -> tuple[State, tuple[Execution, ...]]:
        """Orders in the order given, limits and stops in that of their file (R10)."""
        executions: list[Execution] = []
        for order in turn:
            at = Moment(scenario, self.market, t, state)
            for meets in self._meets:
                at = Moment(meets(at, order), self.market, t, state)
            if order.symbol in gone:
                executions.append(Execution(order, Status.GONE, 0, None))
                continue
            execution = reference.execute(at.scenario, state, self.market, t, order)
            executions += self._recorded_as(at, execution)
            state = self._after(at, executions[-1])
        return state, tuple(executions)

    def _recorded_as(self, at: Moment, execution: Execution) -> list[Execution]:
        """An execution as the hooks have it, as often as it stands in the ledger."""
        for executed in self._executed:
            execution = executed(at, execution)
        return [execution] * max([1, *(hook(at, execution) for hook in self._recorded)])

    def _after(self, at: Moment, execution: Execution) -> State:
        """The state once an execution is booked, as often as the hooks say."""
        state, fill = at.state, execution.fill
        if fill is None:
            return state
        times = 1
        for hook in self._bookings:
            times = hook(at, execution, times)
        for _ in range(times):
            before = Moment(at.scenario, at.market, at.bar, state)
            state = reference.book(at.scenario, state, at.market, at.bar, fill)
            for booked in self._booked:
                state = booked(before, state, execution)
        return state


def _with_sized(state: State, sizing: Sizing | None) -> tuple[Order, ...]:
    """The orders of the bar before, those that are sized at this one (R12) last."""
    return state.pending if sizing is None else (*state.pending, *sizing.orders)


def _orders(executions: Iterable[Execution]) -> tuple[Order, ...]:
    return tuple(execution.order for execution in executions)


class Memory:
    """`reference.decide` that remembers its last answers: most hypotheses differ after the decision."""

    def __init__(self) -> None:
        self._known: dict[int, list[tuple[Scenario, Market, State, Decision]]] = {}

    def __call__(self, scenario: Scenario, state: State, market: Market, t: int) -> Decision:
        known = self._known.setdefault(t, [])
        for its, over, before, decision in known:
            if its is scenario and over is market and before == state:
                return decision
        made = programs.decide(scenario, state, market, t)
        known.append((scenario, market, state, made))
        del known[:-8]
        return made
