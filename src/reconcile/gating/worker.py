"""The process that is timed: `python -P worker.py JOB`, where JOB is a JSON object.

It imports the code that its PYTHONPATH puts first, which may be another revision's. It therefore uses nothing
of tieout but the public names of `reconcile`, `engine.run` and `reference.run`, and does without any module
below `reconcile` that a revision lacks.

It reads one request per line on stdin and writes one JSON answer per line to stdout. An answer with the key
"trouble" is the last. Requests:

check       digests of the scenario, the market, the engine's ledger, and the ledger that it must equal;
`again`: seconds of a run that was made before; `fresh`: seconds of one that was not run N       time N runs
of the engine, each of which must give the first run's ledger. `wall`: seconds of the fastest run by the wall
clock. `cpu`: seconds on a core of the fastest run that never gave up its core by itself; null if every run
did, or if the system does not tell vouch N     the same for the reference

Whatever the engine prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import secrets
import sys
import time
from decimal import Decimal
from typing import Any

MANY = 5
"""Number of runs of each kind that are compared, if one takes less than a second."""
PATIENCE = 2.0
"""Seconds in which more runs are made while the two kinds differ, as they may on a busy machine."""


def main(job: dict[str, Any]) -> None:
    """Load, report what was loaded, then answer requests until stdin ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        bench = Bench(job)
        answer(bench.loaded())
        for line in sys.stdin:
            answer(bench.answer(*line.split()))
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:  # the parent reports every failure to the user
        with contextlib.suppress(BrokenPipeError):
            answer({"trouble": f"{type(error).__name__}: {error}"})


class Bench:
    """An engine, its scenario and market, and the ledger that every run must give."""

    def __init__(self, job: dict[str, Any]) -> None:
        import reconcile

        sys.path[:0] = [path for path in job["paths"] if path not in sys.path]
        with contextlib.suppress(ModuleNotFoundError):  # an older revision has no such module
            importlib.import_module("reconcile.own_packages").give_way()
        self.scenario = reconcile.find_scenario(job["scenario"])
        self.market = reconcile.load_market(self.scenario)
        reconcile.check(self.scenario, self.market)
        module, _, function = (job["candidate"] or ":run").partition(":")
        self.module = importlib.import_module(module) if module else ours("engine")
        self.engine = getattr(self.module, function)
        self.agreement = job["agreement"]
        self.first: Any = None
        self.first_digest = ""
        self.vouched: Any = None
        self.vouched_digest = ""

    def loaded(self) -> dict[str, Any]:
        """The file that the engine was imported from, and the number of events of a run."""
        place = os.path.realpath(getattr(self.module, "__file__", None) or "")
        return {"engine": place, "events": int(self.market.present.size)}

    def answer(self, verb: str, number: str = "1") -> dict[str, Any]:
        """The answer to one request."""
        if verb == "check":
            return self.check()
        if verb == "run":
            return {**self.time(int(number), vouch=False), "ledger": self.first_digest}
        return {**self.time(int(number), vouch=True), "ledger": self.vouched_digest}

    def check(self) -> dict[str, Any]:
        """The digests that decide whether this engine's times count."""
        ledger = self.engine(self.scenario, self.market)
        if self.agreement == "reference":
            other = ours("reference").run(self.scenario, self.market)
        else:
            other = self.engine(self.scenario, self.market)
        again, fresh = self.run_again_and_fresh()
        return {
            "again": again,
            "fresh": fresh,
            "scenario": self.scenario.digest,
            "market": self.market.digest,
            "ledger": digest(ledger),
            "vouched": digest(other),
            "fills": rows(ledger),
        }

    def run_again_and_fresh(self) -> tuple[float, float]:
        """Seconds of the fastest repeated run and of the fastest new run.

        Each new run starts with a little more cash, so that an engine which keeps results has none of it.
        """
        import reconcile

        unit = 10 ** (self.scenario.market.price_decimals + self.scenario.market.quantity_decimals)
        cash = self.scenario.initial_cash
        runs, least = MANY, {"again": float("inf"), "fresh": float("inf")}
        until = time.monotonic() + PATIENCE
        more = cash + 1 + secrets.randbelow(max(cash // 1000, 1000))
        while runs > 0 or (least["fresh"] > 2 * least["again"] and time.monotonic() < until):
            more += 1  # never an amount twice: it would be a result that was kept
            other = reconcile.replace(
                self.scenario, "portfolio.initial_cash", format(Decimal(more) / unit, "f")
            )
            for name, scenario in (("again", self.scenario), ("fresh", other)):
                began = time.perf_counter()
                self.engine(scenario, self.market)
                least[name] = min(least[name], time.perf_counter() - began)
            runs -= 1 if least["again"] < 1 else MANY
        return least["again"], least["fresh"]

    def time(self, runs: int, *, vouch: bool) -> dict[str, float | None]:
        """Seconds of the fastest of some runs. The first run of all is not timed."""
        run = ours("reference").run if vouch else self.engine
        if vouch and self.vouched is None:
            self.vouched = run(self.scenario, self.market)
            self.vouched_digest = digest(self.vouched)
        elif not vouch and self.first is None:
            self.first = run(self.scenario, self.market)
            self.first_digest = digest(self.first)
        first = self.vouched if vouch else self.first
        gc.collect()
        gc.disable()
        walls, cores = [], []
        for _ in range(runs):
            waits, core, wall = waited(), time.thread_time(), time.perf_counter()
            ledger = run(self.scenario, self.market)
            walls.append(time.perf_counter() - wall)
            core = time.thread_time() - core
            if waits is not None and waited() == waits:
                cores.append(core)
            if not same(first, ledger):
                raise ValueError("a run whose ledger is not that of the run before it")
            del ledger
        gc.enable()
        return {"wall": min(walls), "cpu": min(cores, default=None)}


def ours(name: str) -> Any:
    """A package of tieout's, whatever the project calls its own modules."""
    try:
        return importlib.import_module(f"reconcile.{name}")
    except ModuleNotFoundError:  # an older revision
        return importlib.import_module(name)


def waited() -> int | None:
    """How often this thread has given up its core by itself: to sleep, for a file, or for another thread.

    None where the system does not tell. A run during which the count stays the same was one thread computing,
    and its time on the core is what it would take on an idle machine.
    """
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    except (ImportError, AttributeError):
        return None


def rows(ledger: Any) -> int:
    """Number of fills, or of all rows of a ledger that has no table of fills."""
    tables = ledger.tables
    return int(tables["fills"].rows if "fills" in tables else sum(table.rows for table in tables.values()))


def digest(ledger: Any) -> str:
    """The digest of a ledger's tables."""
    import reconcile

    return str(reconcile.ledger_digest(ledger))


def same(one: Any, other: Any) -> bool:
    """Whether two ledgers of one process are equal cell by cell. It is fast, and reports no differences."""
    import numpy as np

    if one.tables.keys() != other.tables.keys():
        return False
    for name, table in one.tables.items():
        columns = other.tables[name].columns
        if table.columns.keys() != columns.keys():
            return False
        for label, column in table.columns.items():
            left, right = column.values, columns[label].values
            if column.dictionary != columns[label].dictionary or left.dtype != right.dtype:
                return False
            if not np.array_equal(left, right, equal_nan=left.dtype.kind == "f"):
                return False
            gaps = column.missing, columns[label].missing
            if (gaps[0] is None) != (gaps[1] is None) or not np.array_equal(*gaps):
                return False
    return True


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
