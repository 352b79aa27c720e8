"""A/A: each side against itself, in fresh processes that differ in hash seed and thread count.

A program whose answer hangs on the order of a set, on an unseeded random number, the clock or the number of
threads cannot be reconciled with anything: it is found here, before the comparison. Each process is called
twice, so that what a program keeps from one call to the next is told apart from these.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from reconcile.running.hosting import Host
from reconcile.running.progress import Phase, Watch
from reconcile.running.worker import Worker
from vocabulary.errors import TieoutError
from vocabulary.ledger import SCHEMA, Ledger, Manifest, Table
from vocabulary.scenario import CallableStrategy

if TYPE_CHECKING:
    from reconcile.matching.model import Break
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

REFERENCE, ENGINE = "reference", "engine"
THREADS = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
"""What the usual libraries read their number of threads from."""

_CLOCKS = ("decided_at", "timestamp")


@dataclass(frozen=True, slots=True)
class Condition:
    """What is varied from one process to the next."""

    hash_seed: int
    threads: int

    def __str__(self) -> str:
        return f"hash seed {self.hash_seed}, {self.threads} thread{'' if self.threads == 1 else 's'}"


_Ledgers = tuple[Ledger, Ledger]
"""Of two calls in one process."""

RUNS = ("run 1", "run 2")

CONDITIONS = (Condition(1, 1), Condition(2, max(2, os.cpu_count() or 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """A side's ledger, which two fresh processes agree on."""

    side: str
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference between two runs of one side.

    runs: what the two are called. same_process: they are two calls in one process. found: the break, where a
    comparison sees one. Else the ledgers hold the same rows in another order or form, and `where` says at
    which table, row and field (or of which manifest field) `values`, as text, are apart; timestamp: of that
    row.
    """

    side: str
    runs: tuple[str, str]
    found: Break | None = None
    where: str = ""
    field: str = ""
    timestamp: int | None = None
    values: tuple[str, str] = ("", "")
    same_process: bool = False


class Disagreement(Exception):
    """A side that disagrees with itself: no answer to compare; the command exits 3."""

    def __init__(self, market: Market, differences: tuple[Difference, ...], sides: tuple[str, str]) -> None:
        super().__init__(f"{', '.join(one.side for one in differences)}: not deterministic")
        self.market = market
        self.differences = differences
        self.sides = sides


def run_twice(
    scenario: Scenario, market: Market, candidate: str | None, host: Host, watch: Watch
) -> tuple[Agreement, Agreement]:
    """Run the reference and the candidate in two fresh processes each, twice in each of them.

    candidate: `module:function`, None: ours. host: its bounds and folders hold here, too. Raises
    Disagreement; TieoutError where a process or a function fails.
    """
    sides = (REFERENCE, candidate or ENGINE)
    agreed, differences = [], []
    for side in sides:
        with watch(Phase.TWICE, 0):
            one, other = _run_side(side, scenario, market, host)
        found = _disagreement(side, one, other)
        agreed.append(Agreement(side, one[0]))
        differences += [] if found is None else [found]
    if differences:
        raise Disagreement(market, tuple(differences), sides)
    return agreed[0], agreed[1]


def confirm(agreements: tuple[Agreement, Agreement], ledgers: tuple[Ledger, Ledger], market: Market) -> None:
    """Raise Disagreement where the run that is compared is not the one that two processes agreed on."""
    found = (
        difference(one.side, ("run 1", "this run"), one.ledger, ledger)
        for one, ledger in zip(agreements, ledgers, strict=True)
    )
    differences = tuple(one for one in found if one is not None)
    if differences:
        raise Disagreement(market, differences, (agreements[0].side, agreements[1].side))


def _run_side(side: str, scenario: Scenario, market: Market, host: Host) -> tuple[_Ledgers, _Ledgers]:
    """The ledgers of a side; the two processes run at the same time."""
    work = partial(_run_process, side, scenario, market, host)
    with ThreadPoolExecutor(len(CONDITIONS)) as pool:
        one, other = pool.map(work, range(len(CONDITIONS)))
    return one, other


def _run_process(side: str, scenario: Scenario, market: Market, host: Host, number: int) -> _Ledgers:
    """The ledgers of two calls in one fresh process. Raises TieoutError, naming the process."""
    condition = CONDITIONS[number]
    varied = {"PYTHONHASHSEED": str(condition.hash_seed), **dict.fromkeys(THREADS, str(condition.threads))}
    echo = bool(os.environ.get("TIEOUT_TRACEBACK"))
    bounds, folders = host.hosting.bounds, host.hosting.folders
    worker = Worker(bounds, folders=folders, environment=varied, echo=echo)
    try:
        return _call(worker, side, scenario, market), _call(worker, side, scenario, market)
    except TieoutError as error:
        error.where += f", run {number + 1} of {len(CONDITIONS)} ({condition})"
        raise
    finally:
        worker.end()


def _call(worker: Worker, side: str, scenario: Scenario, market: Market) -> Ledger:
    selection = scenario.strategy.selection
    if side in (REFERENCE, ENGINE):
        if isinstance(selection, CallableStrategy):
            worker.find(selection.function, scenario.origin, f"{scenario.name}: strategy.function")
        return worker.run(side, scenario, market)[0]
    worker.find(side, "", "candidate")
    return worker.candidate(side, scenario, market)[0]


def _disagreement(side: str, one: _Ledgers, other: _Ledgers) -> Difference | None:
    """Between the first calls of two processes; else between the two calls of one."""
    found = difference(side, RUNS, one[0], other[0])
    if found is not None:
        return found
    for first, second in (one, other):
        found = difference(side, RUNS, first, second)
        if found is not None:
            return dataclasses.replace(found, same_process=True)
    return None


def difference(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference | None:
    """The first difference; None where both ledgers, and their manifests, are the same."""
    from reconcile.comparing.compare import compare
    from reconcile.ledger.digest import chain

    if chain(one) == chain(other) and _shape(one) == _shape(other):
        return _in_manifest(side, runs, one.manifest, other.manifest)
    found = compare(one, other, first=True).first
    if found is not None:
        return Difference(side, runs, found)
    return _in_shape(side, runs, one, other) or _in_form(side, runs, one, other)


def _shape(ledger: Ledger) -> dict[str, list[str]]:
    return {name: list(ledger.tables[name].columns) for name in SCHEMA if name in ledger.tables}


def _in_shape(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference | None:
    """The first table or column that one run has and the other lacks."""
    left, right = _names(one), _names(other)
    for name in sorted(left ^ right):
        values = ("present", "absent") if name in left else ("absent", "present")
        return Difference(side, runs, where="tables and columns", field=name, values=values)
    return None


def _names(ledger: Ledger) -> set[str]:
    shape = _shape(ledger)
    return set(shape) | {f"{name}.{column}" for name, columns in shape.items() for column in columns}


def _in_form(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference:
    """The earliest cell, row by row as they stand, whose text differs."""
    first = Difference(side, runs, where="digest", field="digest", values=("one", "another"))
    for name in SCHEMA:
        if name in one.tables and name in other.tables:
            for found in _cells_apart(side, runs, one.tables[name], other.tables[name]):
                if first.timestamp is None or (found.timestamp or 0) < first.timestamp:
                    first = found
                break
    return first


def _cells_apart(side: str, runs: tuple[str, str], one: Table, other: Table) -> Iterator[Difference]:
    from reconcile.ledger.columns import column_text

    clock = next((one.columns[name] for name in _CLOCKS if name in one.columns), None)
    for row in range(min(one.rows, other.rows)):
        for name, column in one.columns.items():
            values = column_text(column, row), column_text(other.columns[name], row)
            if values[0] != values[1]:
                stamp = None if clock is None else int(clock.values[row])
                yield Difference(side, runs, None, f"{one.name} row {row + 1}", name, stamp, values)


def _in_manifest(side: str, runs: tuple[str, str], one: Manifest, other: Manifest) -> Difference | None:
    for field in dataclasses.fields(Manifest):
        values: tuple[Any, Any] = getattr(one, field.name), getattr(other, field.name)
        if field.name != "chain" and values[0] != values[1]:
            return Difference(
                side, runs, where="manifest", field=field.name, values=(str(values[0]), str(values[1]))
            )
    return None
