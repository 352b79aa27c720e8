"""The child process that is timed: `python -P worker.py JOB`, JOB being a Job as JSON.

It runs against whatever code its PYTHONPATH puts first, which may be another revision's, so it leans on
little of ours. One request a line on stdin, one JSON answer a line on stdout; an answer with "trouble" is
the last. Requests:

    check       digests of scenario, market and of the ledgers of engine and of what must vouch for it;
                seconds of a run made before, `again`, and of runs never made before, `fresh`
    run N       time N runs of the engine, each ledger held against the first one's; of the quickest `wall`,
                seconds by the clock, and `cpu`, seconds of this thread on a core, of the quickest run that
                never waited of its own accord; null where each did, or the system does not tell
    vouch N     the same for the reference

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
"""Runs of a kind that are compared, where one takes less than a second."""


def main(job: dict[str, Any]) -> None:
    """Load, say what was loaded, then answer requests until stdin ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        bench = Bench(job)
        answer(bench.loaded())
        for line in sys.stdin:
            answer(bench.obey(*line.split()))
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:  # every failure is told to the parent, which words it for the user
        with contextlib.suppress(BrokenPipeError):
            answer({"trouble": f"{type(error).__name__}: {error}"})


class Bench:
    """An engine, what it runs on, and the ledger that every run must give again."""

    def __init__(self, job: dict[str, Any]) -> None:
        import reconcile  # its public names alone: those of the other revision's modules may be others

        sys.path[:0] = [path for path in job["paths"] if path not in sys.path]
        self.scenario = reconcile.find_scenario(job["scenario"])
        self.market = reconcile.load_market(self.scenario)
        reconcile.check(self.scenario, self.market)
        module, _, function = (job["candidate"] or "engine:run").partition(":")
        self.module = importlib.import_module(module)
        self.engine = getattr(self.module, function)
        self.agreement = job["agreement"]
        self.first: Any = None
        self.first_digest = ""
        self.vouched: Any = None
        self.vouched_digest = ""

    def loaded(self) -> dict[str, Any]:
        """Where the code came from, and what it will work on."""
        place = os.path.realpath(getattr(self.module, "__file__", None) or "")
        return {"engine": place, "events": int(self.market.present.size)}

    def obey(self, verb: str, number: str = "1") -> dict[str, Any]:
        """One request."""
        if verb == "check":
            return self.check()
        if verb == "run":
            return {**self.time(int(number), vouch=False), "ledger": self.first_digest}
        return {**self.time(int(number), vouch=True), "ledger": self.vouched_digest}

    def check(self) -> dict[str, Any]:
        """The digests that say whether this engine's runs count."""
        ledger = self.engine(self.scenario, self.market)
        if self.agreement == "reference":
            other = importlib.import_module("reference").run(self.scenario, self.market)
        else:
            other = self.engine(self.scenario, self.market)
        again, fresh = self.remembered()
        return {
            "again": again,
            "fresh": fresh,
            "scenario": self.scenario.digest,
            "market": self.market.digest,
            "ledger": digest(ledger),
            "vouched": digest(other),
            "fills": rows(ledger),
        }

    def remembered(self) -> tuple[float, float]:
        """The quickest run of some made before, and of some that are new: each with a little more cash, which
        an engine that keeps its results has no result of."""
        from reconcile import replace

        unit = 10 ** (self.scenario.market.price_decimals + self.scenario.market.quantity_decimals)
        cash = self.scenario.initial_cash
        runs, least = MANY, {"again": float("inf"), "fresh": float("inf")}
        while runs > 0:
            more = cash + 1 + secrets.randbelow(max(cash // 1000, 1000))
            other = replace(self.scenario, "portfolio.initial_cash", format(Decimal(more) / unit, "f"))
            for name, scenario in (("again", self.scenario), ("fresh", other)):
                began = time.perf_counter()
                self.engine(scenario, self.market)
                least[name] = min(least[name], time.perf_counter() - began)
            runs -= 1 if least["again"] < 1 else MANY
        return least["again"], least["fresh"]

    def time(self, runs: int, *, vouch: bool) -> dict[str, float | None]:
        """The quickest of some runs; the first of all is not timed."""
        run = importlib.import_module("reference").run if vouch else self.engine
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


def waited() -> int | None:
    """How often this thread has given up its core of its own accord: for a sleep, a file, another thread.

    None where the system does not tell. A run in between which it never did was one thread computing: its
    time on the core is the time of the run on an idle machine, whatever else wanted that core.
    """
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    except (ImportError, AttributeError):
        return None


def rows(ledger: Any) -> int:
    """Of fills, or of all tables where a foreign ledger has none of that name."""
    tables = ledger.tables
    return int(tables["fills"].rows if "fills" in tables else sum(table.rows for table in tables.values()))


def digest(ledger: Any) -> str:
    """The digest of a ledger's tables."""
    from reconcile.ledger.digest import ledger_digest

    return str(ledger_digest(ledger))


def same(one: Any, other: Any) -> bool:
    """Whether two ledgers of one process are equal cell by cell; a quick look, not a comparison."""
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
