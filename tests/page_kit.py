"""Results of every kind whose pages are looked at, each made once and as small as it can be."""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
import reconcile
import reference
from reconcile.api.gate import DrillResult, GateResult
from reconcile.api.result import Result
from reconcile.campaigning.campaign import CampaignResult
from reconcile.campaigning.matrix import grouped
from reconcile.campaigning.model import Command, Job, Matrix, Status
from reconcile.campaigning.model import Outcome as JobOutcome
from reconcile.drilling.model import Candidate, Drill, Finding, Group, Place, Score
from reconcile.gating.model import (
    Against,
    Case,
    Check,
    Drift,
    Outcome,
    Pair,
    Quantity,
    Report,
    Throughput,
)
from reconcile.gating.sequential_test import decide, noise_floor, plan_for
from reconcile.matching.model import BoundKind, Stage, Tolerance

HOSTILE = "</script><img src=x onerror=alert(1)>"
MANY = 1_000_000


def results(folder: Path) -> dict[str, Result]:
    """One result per kind, by name."""
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 400))
    right = reference.run(scenario, market)
    dear = engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
    given = {"scenario": scenario, "data": market}
    fills = reconcile.frame(right, "fills")
    hostile = fills.copy()
    hostile["symbol"] = hostile["symbol"].astype(object)
    hostile.loc[0, "symbol"] = HOSTILE
    return {
        "breaks": reconcile.diff(right, dear, **given),
        "one": reconcile.diff(right, _tables(right, "equity", "equity", 1.0), **given),
        "matched": reconcile.diff(right, right, **given),
        "million": million(),
        "explained": reconcile.explain(scenario, dear, data=market),
        "partly": reconcile.explain(scenario, _tables(dear, "equity", "market_value", 7.0), data=market),
        "run": reconcile.run(scenario, dear, data=market),
        "hostile": reconcile.diff(right, {"fills": hostile}),
        "lacking": reconcile.diff(right, {"equity": reconcile.frame(right, "equity", floats=True)}),
        "tolerances": reconcile.diff(
            right,
            {"equity": _tables(right, "equity", "equity", 0.01)["equity"]},
            tolerance=[Tolerance("equity", "equity", BoundKind.ABSOLUTE, Decimal("0.02"), "cents")],
        ),
        "audit": reconcile.audit({"fills": hostile}),
        "check": reconcile.check(scenario, market),
        "identify": reconcile.identify(scenario, right, data=market),
        "shrink": reconcile.shrink(scenario, _dear, folder / "case", data=market),
        "review": review(folder / "project"),
        "gate": gate(),
        "drill": drill(),
        "campaign": campaign(),
    }


def _dear(scenario: Any, market: Any) -> Any:
    return engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)


def _tables(ledger: Any, table: str, column: str, more: float) -> dict[str, pd.DataFrame]:
    """A ledger as frames, with one cell off."""
    frames = {name: reconcile.frame(ledger, name, floats=True) for name in ledger.tables}
    frames[table].loc[len(frames[table]) // 2, column] += more
    return frames


def million() -> Result:
    """A million breaks: every price of a list of fills is off."""
    symbols = 100
    stamps = pd.date_range("2020-01-01", periods=MANY // symbols, freq="min").repeat(symbols)
    names = np.tile([f"S{place:03}" for place in range(symbols)], MANY // symbols)
    prices = np.arange(MANY) % 977 + 1.0
    sides = [
        pd.DataFrame(
            {"timestamp": stamps, "symbol": names, "side": "buy", "quantity": 1.0, "price": prices + more}
        )
        for more in (0.0, 0.5)
    ]
    return reconcile.diff({"fills": sides[0]}, {"fills": sides[1]})


def review(folder: Path) -> Result:
    """Two pending goldens: one of another commission and stop, one new."""
    ours = Path(__file__).parent / "golden"
    theirs = folder / "tests" / "golden"
    (theirs / "cases").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[tool.reconcile]\n", encoding="utf-8")
    shutil.copytree(ours / "markets", theirs / "markets")
    shutil.copy(ours / "JOURNAL.md", theirs)
    shutil.copytree(ours / "blessed" / "exit-stop-loss", theirs / "blessed" / "exit-stop-loss")
    for name in ("exit-stop-loss", "slippage-bps"):
        text = (ours / "cases" / f"{name}.toml").read_text(encoding="utf-8")
        (theirs / "cases" / f"{name}.toml").write_text(text.replace('rate = "5"', 'rate = "8"', 1))
    with contextlib.chdir(folder):
        reconcile.golden.check()
        return reconcile.golden.review()


def gate() -> Result:
    """A failed gate: two cases drifted, and throughput is beyond its limit."""
    draw = np.random.default_rng(3)
    alike = tuple(Pair(1.0, math.exp(draw.normal(0, 0.01))) for _ in range(10))
    pairs = tuple(Pair(1.0, 1.06 * math.exp(draw.normal(0, 0.02))) for _ in range(40))
    decision = decide(pairs, noise_floor(alike), 1.035, plan_for(40))
    throughput = Throughput(
        decision.outcome, Against.BASE, "HEAD~1", "top25", (), decision, "d" * 64, 126_000, alike, pairs
    )
    cases = (
        Case("stocks", Outcome.FAILED, (_drift("return", Quantity.RETURN, "7.71", "7.41"),)),
        Case("top25", Outcome.FAILED, (_drift("commission", Quantity.COSTS, "48.22", "77.18"),)),
        Case("gaps", Outcome.PASSED, (_drift("return", Quantity.RETURN, "0.1", "0.1"),)),
        Case("sp500", Outcome.UNKNOWN, (), "its market is not available"),
    )
    return GateResult(
        Report(Outcome.FAILED, tuple(Check), (), Outcome.PASSED, cases, Outcome.FAILED, throughput)
    )


def _drift(name: str, quantity: Quantity, golden: str, found: str) -> Drift:
    old, new = Decimal(golden), Decimal(found)
    return Drift(name, quantity, old, new, new - old, Decimal(0), old == new)


def drill() -> Result:
    """A drill of two candidates, one of which was located elsewhere."""
    findings = tuple(
        Finding(
            candidate=Candidate(Group.SINGLE, (name,), "top25", 1),
            detected=True,
            located=right,
            explained=right,
            false_causes=(),
            expected=Place(3, Stage.COST, "S1"),
            found=Place(3 if right else 4, Stage.COST, "S1"),
            answer="commission is 8 bps instead of 5 bps",
            seconds=0.1,
        )
        for name, right in (("dear", True), ("late", False))
    )
    return DrillResult(Drill(findings, {Group.SINGLE: Score(2, 2, 1, 1, 0)}))


def campaign(*more: str) -> CampaignResult:
    """A campaign in which names, words, causes, leads and errors are text that would be markup or moves."""
    jobs = []
    for text in (HOSTILE, "]]></failure>", "red \x1b[31m\x07", "two\nlines", "\u202eback", "\x00", *more):
        ends = [
            JobOutcome("k" * 64, Status.DONE, 1, text, f"head {text}", f"first {text}", (text,), ()),
            JobOutcome("k" * 64, Status.DONE, 1, text, f"head {text}", None, (), (f"lead {text}",)),
            JobOutcome("", Status.FAILED, 2, "failed", f"error {text}"),
        ]
        jobs += [(Job(f"run {text}/{place}", Command.RUN, text), one) for place, one in enumerate(ends)]
    name, workers, notes = f"plan {HOSTILE}\x1b", f"dask at {HOSTILE}\x1b", (f"note {HOSTILE}\x1b",)
    return CampaignResult(Matrix(name, tuple(jobs), grouped(jobs), 1.0, workers, notes))


def launched(chromium: str) -> Iterator[Any]:
    """A browser that playwright drives."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield found
        found.close()


# Every chart is in its place and laid out.
DRAWN = (
    "document.querySelectorAll('.chart:empty').length === 0"
    " && (typeof Bokeh === 'undefined' || Bokeh.documents.every((one) => one.is_idle))"
)


class Opened:
    """A page in the browser, with all that it logged and asked for. Whatever it asks for fails."""

    def __init__(self, browser: Any, path: Path, anchor: str = "", **more: Any) -> None:
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **more})
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append("a dialog opened"))
        self.page.route(lambda url: not url.startswith(("file:", "data:", "blob:")), self._refuse)
        self.page.on("request", lambda request: self.asked.append(request.url.partition("#")[0]))
        self.page.goto(path.as_uri() + anchor)

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page; its policy forbids playwright's own way to wait."""
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"never: {condition}")

    def _refuse(self, route: Any) -> None:
        self.errors.append(f"asked for {route.request.url}")
        route.abort()

    def drawn(self) -> None:
        """Wait until every chart is in its place: what is clicked earlier may move under the pointer."""
        self.until(DRAWN)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self.page.close()
