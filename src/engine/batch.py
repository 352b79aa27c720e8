"""Many runs over one loaded market: counterfactuals by the hundred a second.

The kernel lets go of Python's lock, so threads run side by side; all jobs read the same market, and only
the columns that a job replaces are new.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import layout as at
from engine.book import initial_state, state_from
from engine.record import PLACES, ROWS, TABLES, ledger_from
from engine.running import advance_to, begin, plan_of, require_span
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.market import Ints, Market
from vocabulary.scenario import Scenario
from vocabulary.state import State

PRICES = ("open", "high", "low", "close")
# Bars between two looks at the ledger a job is held against: doubling, so that an early divergence is
# found early and a late one costs few looks.
FIRST_LOOK = 8


class Keep(Enum):
    """How much of a run is handed back."""

    LEDGER = "ledger"
    EQUITY = "equity"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One counterfactual run.

    columns: what replaces the market's arrays, each of its shape: `open`, `high`, `low`, `close` (ticks, 0
        where absent; all four replaced together where presence changes), `features.NAME`, `context.NAME`.
    state: where it starts, None for the beginning. until: the bar it stops before, None for the end.
    keep: LEDGER all six tables, EQUITY only `costs` and `equity`, NOTHING no table.
    against: a ledger of the same market and units, its rows in a program's own order; the run ends soon
        after the first bar whose rows differ from it.
    """

    scenario: Scenario
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    state: State | None = None
    until: int | None = None
    keep: Keep = Keep.LEDGER
    against: Ledger | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a job came to.

    index: the job's place among those given. ledger: the tables kept. state: at the bar it stopped.
    parts_at: the first bar whose rows differ from `against`; None where none did, or none was given.
    """

    index: int
    ledger: Ledger
    state: State
    parts_at: int | None


def run_many(
    market: Market, jobs: Iterable[Job], workers: int | None = None, ahead: int = 2
) -> Iterator[Outcome]:
    """Runs the jobs, as many at a time as there are cores, and yields outcomes in the jobs' order.

    jobs may be endless: no more than `ahead` times `workers` are taken before their outcomes are read.
    Errors of a job are raised when its turn comes.
    """
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Outcome]] = deque()
        for index, job in enumerate(jobs):
            waiting.append(pool.submit(run_job, market, job, index))
            if len(waiting) >= ahead * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def run_job(market: Market, job: Job, index: int = 0) -> Outcome:
    """One job, here and now."""
    market = with_columns(market, job.columns)
    bars = len(market.timestamps)
    state = job.state or initial_state(job.scenario)
    until = bars if job.until is None else job.until
    require_span(state, until, bars)
    plan = plan_of(job.scenario, market, state)
    book, tables = begin(plan, job.scenario, state, until)
    watch = None if job.against is None else _Watch(job.against, market, state)
    look = FIRST_LOOK
    parts_at = None
    while book.account[at.BAR] < until and parts_at is None:
        stop = until if watch is None else min(until, int(book.account[at.BAR]) + look)
        tables = advance_to(plan, book, tables, stop)
        look *= 2
        if watch is not None:
            parts_at = watch.parts_at(tables, book)
    after = state_from(book, tables, job.scenario)
    ledger = ledger_from(tables, book, job.scenario, market)
    return Outcome(index, _kept(ledger, job.keep), after, parts_at)


def with_columns(market: Market, columns: Mapping[str, npt.NDArray[Any]]) -> Market:
    """The market with some arrays replaced and all others shared; its digest is no longer known."""
    if not columns:
        return market
    changes: dict[str, Any] = {"features": dict(market.features), "context": dict(market.context)}
    for name, values in columns.items():
        group, _, column = name.partition(".")
        old = getattr(market, name) if name in PRICES else changes.get(group, {}).get(column)
        if old is None or old.shape != values.shape or old.dtype != values.dtype:
            raise InputError(
                f"column {name!r} of a job",
                f"{values.dtype} {values.shape}",
                "open, high, low, close, features.NAME or context.NAME, of the market's shape and type",
                "Replace only columns that the market has.",
            )
        sealed = np.ascontiguousarray(values).view()
        sealed.flags.writeable = False
        if name in PRICES:
            changes[name] = sealed
        else:
            changes[group][column] = sealed
    made = replace(market, **changes, digest="")
    if "close" in changes:
        present = made.close > 0
        present.flags.writeable = False
        made = replace(made, present=present)
    return made


class _Watch:
    """Holds a growing ledger against a finished one, each row looked at once."""

    def __init__(self, against: Ledger, market: Market, state: State) -> None:
        """state: of the bar whose rows are the first to come."""
        start, unsized = state.bar, state.unsized is not None
        self._market = market
        self._against = against
        self._seen = dict.fromkeys(TABLES, 0)
        stamps = market.timestamps
        # R12: the targets of the bar before are written at the first bar to come
        first = {"targets": start - 1} if unsized else {}
        self._offsets = {
            name: int(np.searchsorted(table.columns[_when(name)].values, stamps[first.get(name, start)]))
            if start
            else 0
            for name, table in against.tables.items()
        }

    def parts_at(self, tables: at.Tables, book: at.Book) -> int | None:
        """The first bar, among those run since the last look, whose rows differ."""
        ended = int(book.account[at.BAR]) == len(self._market.timestamps)
        bars = []
        for name, table in zip(TABLES, tables, strict=True):
            written = table[:, : int(book.account[ROWS[name]])]
            if name == "flows" and name not in self._against.tables:
                # L4: no such table is one without rows
                if written.shape[1]:
                    stamp = written[PLACES[name]["timestamp"], 0]
                    bars.append(int(np.searchsorted(self._market.timestamps, stamp)))
            elif name in self._against.tables:
                row = self._first_difference(name, written, ended)
                self._seen[name] = written.shape[1]
                if row is not None:
                    bars.append(self._bar_of(name, written, row))
        return min(bars, default=None)

    def _first_difference(self, name: str, written: Ints, ended: bool) -> int | None:
        """The first new row that is not the other table's, or that only one of them has."""
        other = self._against.tables[name]
        offset, start, rows = self._offsets[name], self._seen[name], written.shape[1]
        there = min(rows, other.rows - offset)
        first = there if rows > there or (ended and other.rows - offset > rows) else None
        for column, i in PLACES[name].items():
            differs = written[i, start:there] != other.columns[column].values[start + offset : there + offset]
            if differs.any():
                row = start + int(differs.argmax())
                first = row if first is None else min(first, row)
        return first

    def _bar_of(self, name: str, written: Ints, row: int) -> int:
        """The earlier of the two bars that a row has on the two sides."""
        other = self._against.tables[name]
        when = _when(name)
        stamps = []
        if row < written.shape[1]:
            stamps.append(int(written[PLACES[name][when], row]))
        if row + self._offsets[name] < other.rows:
            stamps.append(int(other.columns[when].values[row + self._offsets[name]]))
        return int(np.searchsorted(self._market.timestamps, min(stamps)))


def _when(table: str) -> str:
    """The column that says at which bar a row was written."""
    return {"targets": "decided_at", "orders": "executes_at"}.get(table, "timestamp")


def _kept(ledger: Ledger, keep: Keep) -> Ledger:
    """The tables asked for."""
    if keep is Keep.LEDGER:
        return ledger
    names = ("costs", "equity") if keep is Keep.EQUITY else ()
    # copied, so that the other tables' memory goes
    tables = {
        name: replace(
            ledger.tables[name],
            columns={c: replace(v, values=v.values.copy()) for c, v in ledger.tables[name].columns.items()},
        )
        for name in names
    }
    return Ledger(ledger.manifest, tables)
