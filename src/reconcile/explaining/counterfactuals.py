"""Worlds: the ledger that a set of changes gives, whole or in part, by the engine where it can.

Changes of scenario and input run through the engine, in spans where they are limited in time. Changes
between the parts of a bar, and those an order meets by its symbol or side, run through explain's own loop.
Changes of reporting are made to the ledger that comes out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from types import ModuleType

import numpy as np

import reference
from reconcile.explaining import inputs, loop, reports
from reconcile.explaining.loop import Standing
from reconcile.explaining.model import Change, Kind, Subject
from reconcile.explaining.settings import NEVER, changed_scenario
from reconcile.running.run import ours
from reference import Day
from vocabulary.ledger import Column, Ledger, Table
from vocabulary.ledger import Kind as Cells
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import State

Changes = tuple[Change, ...]
Lived = tuple[Day, Standing]
KEPT_LEDGERS, KEPT_LOOPS = 12, 6


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A set of changes, sorted by where they act. scenario: in force at bar 0; it names the ledger."""

    scenario: Scenario
    market: Market
    spans: tuple[tuple[int, Scenario], ...]
    plan: loop.Plan
    by_engine: bool
    reports: Changes

    def scenario_at(self, t: int) -> Scenario:
        found = self.spans[0][1]
        for since, scenario in self.spans:
            if since <= t:
                found = scenario
        return found


class Worlds:
    """Runs of one scenario over one market under sets of changes; keeps what is asked for again."""

    def __init__(self, subject: Subject, kind_of: Callable[[Change], Kind]) -> None:
        self.subject = subject
        self.bars = len(subject.market.timestamps)
        self.runs = 0
        self._kind_of = kind_of
        self._engine: ModuleType = ours("engine")
        self._ledgers: OrderedDict[Changes, Ledger] = OrderedDict()
        self._states: dict[tuple[Changes, int], Standing] = {}
        self._decide = loop.Memory()
        self._growing: dict[Changes, tuple[Iterator[Lived], list[Lived]]] = {}
        self.prepared = lru_cache(maxsize=64)(self._prepare)

    def by_engine(self, changes: Changes) -> bool:
        """Whether the engine can run a set of changes."""
        return self.prepared(changes).by_engine

    def ledger(self, changes: Changes) -> Ledger:
        """The whole ledger. Raises TieoutError where the changes allow no run."""
        if changes not in self._ledgers:
            self._ledgers[changes] = self._whole(changes)
            if len(self._ledgers) > KEPT_LEDGERS:
                self._ledgers.popitem(last=False)
        return self._ledgers[changes]

    def _whole(self, changes: Changes) -> Ledger:
        prepared = self.prepared(changes)
        if not prepared.by_engine:
            return self.first_bars(changes, self.bars)
        start = reference.initial_state(prepared.scenario)
        return self._told(prepared, self._spans(prepared, start, self.bars)[0])

    def first_bars(self, changes: Changes, until: int) -> Ledger:
        """The ledger of bars [0, until). Where explain's own loop runs, it goes on from where it stopped."""
        prepared = self.prepared(changes)
        if prepared.by_engine:
            if until >= self.bars:
                return self.ledger(changes)
            return self.window(changes, Standing(reference.initial_state(prepared.scenario)), until)
        days = [day for day, _ in self._grown(changes, until)[:until]]
        return self._told(prepared, reference.ledger_of(prepared.scenario, prepared.market, days))

    def _grown(self, changes: Changes, until: int) -> list[Lived]:
        """The days of explain's own loop, at least up to `until`. Changes of reporting are not its."""
        lived = tuple(change for change in changes if self._kind_of(change) is not Kind.REPORT)
        if lived not in self._growing:
            if len(self._growing) >= KEPT_LOOPS:
                self._growing.pop(next(iter(self._growing)))
            prepared = self.prepared(changes)
            start = Standing(reference.initial_state(prepared.scenario))
            self._growing[lived] = loop.days(prepared.plan, start, self.bars), []
            self.runs += 1
        rest, days = self._growing[lived]
        days.extend(islice(rest, max(0, until - len(days))))
        return days

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
            return self._told(prepared, self._spans(prepared, start.state, until)[0])
        self.runs += 1
        days = [day for day, _ in loop.days(prepared.plan, start, until)]
        return self._told(prepared, reference.ledger_of(prepared.scenario, prepared.market, days))

    def _spans(self, prepared: Prepared, state: State, until: int) -> tuple[Ledger, State]:
        self.runs += 1
        ledgers = []
        stops = [since for since, _ in prepared.spans if state.bar < since < until]
        for stop in (*stops, until):
            scenario = prepared.scenario_at(state.bar)
            made, state = self._engine.resume(scenario, prepared.market, state, stop)
            ledgers.append(made)
        return joined(ledgers), state

    def _told(self, prepared: Prepared, ledger: Ledger) -> Ledger:
        for change in prepared.reports:
            ledger = reports.told(prepared.scenario, prepared.market, ledger, change)
        return ledger

    def _prepare(self, changes: Changes) -> Prepared:
        by_kind: dict[Kind, list[Change]] = {kind: [] for kind in Kind}
        for change in changes:
            by_kind[self._kind_of(change)].append(change)
        settings = by_kind[Kind.SCENARIO]
        plain = [change for change in settings if change.symbols is None and change.side is None]
        apart = [change for change in settings if change not in plain]
        spans = self._scenario_spans(plain, by_kind[Kind.INPUT])
        market = self._market(by_kind[Kind.INPUT], settings)

        def scenario_at(t: int) -> Scenario:
            return [scenario for since, scenario in spans if since <= t][-1]

        limited = [(change, _under(scenario_at, change)) for change in apart]
        plan = loop.Plan(market, scenario_at, limited, tuple(by_kind[Kind.LOOP]), self._decide)
        by_engine = not limited and not by_kind[Kind.LOOP]
        return Prepared(spans[0][1], market, spans, plan, by_engine, tuple(by_kind[Kind.REPORT]))

    def _scenario_spans(
        self, settings: Iterable[Change], given: Iterable[Change]
    ) -> tuple[tuple[int, Scenario], ...]:
        settings = list(settings)
        base = self.subject.scenario
        if any(change.hypothesis == "execution_price" for change in given) and inputs.needs_next_open(base):
            base = replace(base, execution=replace(base.execution, timing=Timing.NEXT_OPEN))
        edges = (
            {0} | {change.since for change in settings} | {c.until for c in settings if c.until is not None}
        )
        spans = []
        for edge in sorted(bar for bar in edges if bar < self.bars):
            scenario = base
            for change in settings:
                if loop.applies(change, edge):
                    scenario = changed_scenario(scenario, change)
            spans.append((edge, scenario))
        return tuple(spans)

    def _market(self, given: Iterable[Change], settings: Iterable[Change]) -> Market:
        market = self.subject.market
        for change in given:
            market = inputs.changed_market(self.subject.scenario, market, change)
        if any(change.hypothesis == "exit_unused" for change in settings):
            nothing = np.full(market.present.shape, np.nan)
            nothing.flags.writeable = False
            market = replace(market, features={**market.features, NEVER: nothing})
        return market


def _under(scenario_at: Callable[[int], Scenario], change: Change) -> Callable[[int], Scenario]:
    return lambda t: changed_scenario(scenario_at(t), change)


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
