"""Counterfactuals: the ledger that a set of changes gives, whole or in part, by the engine where it can.

Changes of scenario and input run through the engine, in spans where they are limited in time. Changes
between the parts of a bar, and those that concern some orders only, run through a loop over the reference's
parts. Changes of the report are made to the ledger that comes out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

import reference
from reconcile.explaining.bar_loop import BarLoop, Hooks, Memory, Moment, Standing
from reconcile.explaining.model import (
    Change,
    Changes,
    InputHypothesis,
    Kind,
    LoopHypothesis,
    ReportHypothesis,
    SettingHypothesis,
    Subject,
)
from reconcile.scenario.programs import elsewhere, is_compiled, resume_engine, resume_reference
from reference import Day
from vocabulary.errors import TieoutError
from vocabulary.ledger import Column, Ledger, Table
from vocabulary.ledger import Kind as Cells
from vocabulary.market import Market
from vocabulary.scenario import Scenario
from vocabulary.state import Order, State

DayAndStanding = tuple[Day, Standing]
KEPT_LEDGERS, KEPT_LOOPS = 12, 6


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A set of changes, sorted by where they act.

    scenario: in force at bar 0; it names the ledger. spans: (first bar, scenario in force from there on).
    by_engine: whether the engine can run the set. loop: what runs it otherwise. reports: changes of the
    report.
    """

    scenario: Scenario
    market: Market
    spans: tuple[tuple[int, Scenario], ...]
    by_engine: bool
    loop: BarLoop
    reports: Changes

    def scenario_at(self, bar: int) -> Scenario:
        """The scenario in force at a bar."""
        return _in_force(self.spans, bar)


def _in_force(spans: Sequence[tuple[int, Scenario]], bar: int) -> Scenario:
    return [scenario for since, scenario in spans if since <= bar][-1]


NO_RUN = (TieoutError, ArithmeticError)
"""What changes raise that allow no run: a value out of range, a setting refused, a division by zero."""
READ, ENGINE = 500, 20
"""What reading the ledger of a run costs in events, and how many events of the engine cost as much as one."""
COMPILING = 10_000_000
"""Events of the reference that take as long as to compile a kernel."""


class Counterfactuals:
    """Runs of one scenario over one market under sets of changes; keeps what is asked for again."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.bars = len(subject.market.timestamps)
        self.runs = 0
        self.events = 0
        """Bars times symbols that were run through the loop; those of the engine, and what it takes to read a
        ledger, count as the share of their time."""
        self.told: Callable[[Changes], None] = lambda _: None
        """Called with the changes of each run over all bars, before it."""
        self._ledgers: OrderedDict[Changes, Ledger] = OrderedDict()
        self._states: dict[tuple[Changes, int], Standing] = {}
        self._decide = Memory()
        self._spared = 0
        self._growing: dict[Changes, tuple[Iterator[DayAndStanding], list[DayAndStanding]]] = {}
        self.prepared = lru_cache(maxsize=64)(self._prepare)

    def by_engine(self, changes: Changes) -> bool:
        """Whether the engine can run a set of changes."""
        return self.prepared(changes).by_engine

    def ledger(self, changes: Changes) -> Ledger:
        """The whole ledger. Raises one of NO_RUN where the changes allow no run."""
        if changes not in self._ledgers:
            self._ledgers[changes] = self._whole(changes)
            if len(self._ledgers) > KEPT_LEDGERS:
                self._ledgers.popitem(last=False)
        return self._ledgers[changes]

    def _whole(self, changes: Changes) -> Ledger:
        self.told(changes)
        prepared = self.prepared(changes)
        if not prepared.by_engine:
            return self.first_bars(changes, self.bars)
        start = reference.initial_state(prepared.scenario)
        return _reported(prepared, self._spans(prepared, start, self.bars)[0])

    def first_bars(self, changes: Changes, until: int) -> Ledger:
        """The ledger of bars [0, until). A run through the loop goes on from where it stopped last."""
        prepared = self.prepared(changes)
        if prepared.by_engine:
            if until >= self.bars:
                return self.ledger(changes)
            return self.window(changes, Standing(reference.initial_state(prepared.scenario)), until)
        days = [day for day, _ in self._grown(changes, until)[:until]]
        return _reported(prepared, reference.ledger_of(prepared.scenario, prepared.market, days))

    def _grown(self, changes: Changes, until: int) -> list[DayAndStanding]:
        """The days of the loop, at least up to `until`. Changes of the report have no part in them."""
        acting = tuple(change for change in changes if change.hypothesis.kind is not Kind.REPORT)
        if acting not in self._growing:
            if len(self._growing) >= KEPT_LOOPS:
                self._growing.pop(next(iter(self._growing)))
            prepared = self.prepared(changes)
            start = Standing(reference.initial_state(prepared.scenario))
            self._growing[acting] = prepared.loop.days(start, self.bars), []
            self.runs += 1
        rest, days = self._growing[acting]
        self._spent(max(0, until - len(days)))
        days.extend(islice(rest, max(0, until - len(days))))
        return days

    def _spent(self, bars: int, share: int = 1) -> None:
        """Count the events of some bars. share: how many events of the engine take the time of one."""
        self.events += READ + bars * len(self.subject.market.symbols) // share

    def state(self, changes: Changes, bar: int) -> Standing:
        """Where bar `bar` starts from."""
        if (changes, bar) not in self._states:
            self._states[changes, bar] = self._state(changes, bar)
        return self._states[changes, bar]

    def _state(self, changes: Changes, bar: int) -> Standing:
        prepared = self.prepared(changes)
        start = reference.initial_state(prepared.scenario)
        if bar == 0:
            return Standing(start)
        if prepared.by_engine:
            return Standing(self._spans(prepared, start, bar)[1])
        return self._grown(changes, bar)[bar - 1][1]

    def window(self, changes: Changes, start: Standing, until: int) -> Ledger:
        """The ledger of bars [start.state.bar, until)."""
        prepared = self.prepared(changes)
        if prepared.by_engine:
            return _reported(prepared, self._spans(prepared, start.state, until)[0])
        self.runs += 1
        self._spent(until - start.state.bar)
        days = [day for day, _ in prepared.loop.days(start, until)]
        return _reported(prepared, reference.ledger_of(prepared.scenario, prepared.market, days))

    def _spans(self, prepared: Prepared, state: State, until: int) -> tuple[Ledger, State]:
        """The engine's ledger of bars [state.bar, until), span by span, and the state that it ends with."""
        self.runs += 1
        self._spent(until - state.bar, ENGINE)
        ledgers = []
        stops = [since for since, _ in prepared.spans if state.bar < since < until]
        for stop in (*stops, until):
            scenario = prepared.scenario_at(state.bar)
            resume = resume_reference if self._spares(scenario, state, stop) else resume_engine
            made, state = resume(scenario, prepared.market, state, stop)
            ledgers.append(made)
        return joined(ledgers), state

    def _spares(self, scenario: Scenario, state: State, until: int) -> bool:
        """Whether the reference is to run some bars. It gives the same ledger.

        A few changes need a kernel that the subject's scenario does not. Where no command has compiled it
        yet, the reference takes their runs, until all of them took as long as compiling would.
        """
        if self._spared >= COMPILING or elsewhere(scenario) is not None or is_compiled(scenario, state):
            return False
        if not is_compiled(self.subject.scenario, reference.initial_state(self.subject.scenario)):
            return False
        self._spared += (until - state.bar) * len(self.subject.market.symbols)
        return True

    def _prepare(self, changes: Changes) -> Prepared:
        settings = [c for c in changes if isinstance(c.hypothesis, SettingHypothesis)]
        whole = [c for c in settings if c.symbols is None and c.side is None]
        some_orders = [c for c in settings if c not in whole]
        given = [c for c in changes if isinstance(c.hypothesis, InputHypothesis)]
        between = [c for c in changes if isinstance(c.hypothesis, LoopHypothesis)]
        spans = self._scenario_spans([*whole, *between], given)
        market = self.subject.market
        for change in given:
            market = _hypothesis(change, InputHypothesis).apply(self.subject.scenario, market, change)
        hooks = [_for_some_orders(change) for change in some_orders]
        hooks += [_hypothesis(change, LoopHypothesis).hooks(change) for change in between]
        return Prepared(
            scenario=spans[0][1],
            market=market,
            spans=spans,
            by_engine=not hooks,
            loop=BarLoop(market, lambda bar: _in_force(spans, bar), hooks, self._decide),
            reports=tuple(c for c in changes if isinstance(c.hypothesis, ReportHypothesis)),
        )

    def _scenario_spans(
        self, settings: Sequence[Change], given: Sequence[Change]
    ) -> tuple[tuple[int, Scenario], ...]:
        """The scenario in force, from bar to bar, as settings and changes of the loop have it. given: changes
        of the input, which may need another one."""
        base = self.subject.scenario
        for change in given:
            needed = _hypothesis(change, InputHypothesis).scenario
            base = base if needed is None else needed(base)
        settings = [c for c in settings if _changes_scenario(c)]
        edges = {0} | {c.since for c in settings} | {c.until for c in settings if c.until is not None}
        spans = []
        for edge in sorted(bar for bar in edges if bar < self.bars):
            scenario = base
            for change in settings:
                if change.covers(edge):
                    scenario = _changed(change, scenario)
            spans.append((edge, scenario))
        return tuple(spans)


def _hypothesis(change: Change, kind: type[Any]) -> Any:
    assert isinstance(change.hypothesis, kind)
    return change.hypothesis


def _changes_scenario(change: Change) -> bool:
    hypothesis = change.hypothesis
    return (
        isinstance(hypothesis, SettingHypothesis) or _hypothesis(change, LoopHypothesis).scenario is not None
    )


def _changed(change: Change, scenario: Scenario) -> Scenario:
    hypothesis = change.hypothesis
    if isinstance(hypothesis, LoopHypothesis):
        assert hypothesis.scenario is not None
        return hypothesis.scenario(scenario)
    made: Scenario = _hypothesis(change, SettingHypothesis).apply(scenario, change.value)
    return made


def _for_some_orders(change: Change) -> Hooks:
    """A setting that only some orders meet."""

    def meets(at: Moment, order: Order) -> Scenario:
        covered = change.covers(at.bar, order.symbol, order.side)
        return _changed(change, at.scenario) if covered else at.scenario

    return Hooks(meets=meets)


def _reported(prepared: Prepared, ledger: Ledger) -> Ledger:
    """A ledger under the changes of the report."""
    for change in prepared.reports:
        apply = _hypothesis(change, ReportHypothesis).apply
        ledger = apply(prepared.scenario, prepared.market, ledger, change)
    return ledger


def joined(ledgers: list[Ledger]) -> Ledger:
    """Spans of one run, end to end, `fills.sequence` counted on."""
    if len(ledgers) == 1:
        return ledgers[0]
    tables = {name: _joined([ledger.tables[name] for ledger in ledgers]) for name in ledgers[0].tables}
    return replace(ledgers[0], tables=tables)


def _joined(tables: list[Table]) -> Table:
    columns = {}
    for name, first in tables[0].columns.items():
        parts = [table.columns[name] for table in tables]
        columns[name] = _one_column(name, first, parts)
    return replace(tables[0], columns=columns, rows=sum(table.rows for table in tables))


def _one_column(name: str, first: Column, parts: list[Column]) -> Column:
    if first.kind is Cells.WORD:
        words = tuple(dict.fromkeys(word for part in parts for word in part.dictionary or ()))
        codes = [
            np.array([words.index(word) for word in part.dictionary or ()] or [0], np.int64)[part.values]
            for part in parts
        ]
        values = np.concatenate(codes)
        first = replace(first, dictionary=words)
    else:
        values = np.concatenate([part.values for part in parts])
    if name == "sequence":
        values = np.arange(len(values), dtype=np.int64)
    missing = None
    if any(part.missing is not None for part in parts):
        missing = np.concatenate(
            [np.zeros(len(part.values), bool) if part.missing is None else part.missing for part in parts]
        )
        missing.flags.writeable = False
    values.flags.writeable = False
    return replace(first, values=values, missing=missing)
