"""Ledgers of real engines through the product, as a user would take them: what `explain` says of each.

A ledger is explained against two scenarios. The plain one says what is traded and what it costs, nothing
else: the breaks under it are those "out of the box". The stated one says the engine's conventions, too
(ledgers.py), in units that hold its numbers. Planted mistakes are looked for under the stated one.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from workload import Workload, read, write_bars

import reconcile
from ledgers import HONEST, MISTAKES, Case

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
SHARE = 0.95
"""Of the equity, in the one symbol that Backtesting.py trades (drive_backtesting.py)."""

NAMES: dict[str, frozenset[str]] = {
    "fees": frozenset({"commission", "commission_factor"}),
    "slippage": frozenset({"slippage"}),
    "lag": frozenset({"feature_shifted"}),
    "capital": frozenset({"capital"}),
    "top_n": frozenset({"selection"}),
    "price_field": frozenset({"timing", "execution_price", "sizing_base", "prices_field"}),
    "same_close": frozenset({"timing", "execution_price", "own_open"}),
    "timing": frozenset({"schedule"}),
    "sizing": frozenset({"sizing"}),
}
"""What names a mistake: the hypotheses that are it, or an equivalent of it."""
TOGETHER: dict[str, tuple[frozenset[str], ...]] = {
    "price_field": (frozenset({"schedule", "feature_shifted"}),),
}
"""What names a mistake only together: what is decided and sized a bar later, by scores a bar old, is what is
executed at the close after the decision and sized there."""
ALWAYS = {
    "backtesting": {"slippage", "equity_before_trades", "closed_trades_alone"},
    "backtrader": {"equity_before_trades"},
    "bt": {"sizing_base"},
    "nautilus": {"commission_rounded"},
    "vectorbt": {"queue"},
    "zipline": {"prices_rounded"},
}
"""What an engine does without a mistake, too, as its ledgers as they come show: by its environment. In the
words that it has there, it names no mistake."""
ONE_RATE = {"slippage": frozenset({"commission"})}
"""The same for engines that know one rate of costs: slippage is part of their commission."""

WHOLE = ("quantity_decimals = 4", 'lot = "1"')
"""Units of whole shares that hold a commission of 4 decimals to the last digit."""
FRACTIONS = ("price_decimals = 6", "quantity_decimals = 6")

TOLERANCE = """
"fills.quantity" = { absolute = "0.0001", reason = "fractions of any length beside millionths" }
"fills.price" = { absolute = "0.000001", reason = "the scenario's prices have six decimals" }
"fills.commission" = { absolute = "0.00001", reason = "a rate of such quantities" }
"equity.equity" = { absolute = "0.01", reason = "the sum of such quantities at their prices" }
"equity.cash" = { absolute = "0.01", reason = "the sum of such quantities at their prices" }
"equity.market_value" = { absolute = "0.01", reason = "the sum of such quantities at their prices" }
"fills.notional" = { absolute = "0.01", reason = "such a quantity at its price" }
"positions.market_value" = { absolute = "0.01", reason = "such a quantity at its price" }
"""
"""For engines that trade fractions of a share."""


def scenario_text(case: Case, bars: Path, stated: bool) -> str:
    """The scenario of a case without its mistake."""
    terms = case.right
    lines = ["[market]", f"data = {json.dumps(str(bars))}"]
    if stated:
        whole = [f"price_decimals = {case.engine.price_decimals}", *WHOLE]
        lines += whole if case.engine.whole else FRACTIONS
    elif not case.engine.whole:
        lines += FRACTIONS[1:]
    lines += ["[portfolio]", f'initial_cash = "{terms.cash:.0f}"', "[strategy]"]
    schedule = f"schedule = {{ every = {terms.every}, start = {terms.start} }}"
    if case.engine.single:
        lines += ['kind = "weights"', 'feature = "weight"', 'band = "0.99"', schedule]
    else:
        chosen = f'score = "score"\nn = {terms.top}\ngross_long = "{terms.gross:g}"'
        lines += ['kind = "top_n"', chosen, schedule]
    states = {**case.engine.states, **({"timing": terms.timing} if terms.timing != "next_open" else {})}
    if stated and states:
        lines += [
            "[execution]",
            *(f"{key} = {json.dumps(value)}" for key, value in states.items()),
        ]
    rates = {"commission": terms.commission, "slippage": terms.slippage}
    if stated and case.engine.one_rate:
        rates = {"commission": terms.commission + terms.slippage}
    costs = [f'{name} = {{ kind = "bps", rate = "{10_000 * rate:g}" }}' for name, rate in rates.items()]
    return "\n".join([*lines, "[costs]", *costs]) + "\n"


def single_bars(case: Case, bars: Path, folder: Path) -> Path:
    """The bars of the first symbol, with the weight that its score gives it at each bar, of the right terms;
    the schedule decides which of them count."""
    path = folder / f"{case.market.name}-weights.parquet"
    if not path.exists():
        work: Workload = read(bars, replace(case.right, every=1, start=0, timing="same_close"))
        weight = np.zeros(len(work.days))
        for t, picks in work.picks.items():
            weight[t] = SHARE if 0 in picks else 0.0
        columns = {name: getattr(work, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
        symbols = [work.symbols[0]] * len(weight)
        table = {"timestamp": pa.array(work.days), "symbol": symbols, **columns, "weight": weight}
        write_bars(pa.table(table), path)
    return path


def judge_all(made: list[tuple[Case, Path, Path]], root: Path, again: bool) -> None:
    """Judge what is not in `results.json` yet, and keep each answer at once."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    order = (HONEST, *MISTAKES)
    made = sorted(made, key=lambda one: order.index(one[0].mistake))
    for number, (case, bars, folder) in enumerate(made):
        if case.name in results and not again:
            continue
        results[case.name] = judged(case, bars, folder, root)
        keep(results)
        told = results[case.name]
        print(f"{number + 1} of {len(made)}  {case.name}: {told['stated']['verdict']}", file=sys.stderr)


def keep(results: dict[str, Any]) -> None:
    """Replace the file of results, whole."""
    part = RESULTS.with_suffix(".part")
    part.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
    part.replace(RESULTS)


def judged(case: Case, bars: Path, folder: Path, root: Path) -> dict[str, Any]:
    """What the product says of one ledger."""
    if case.engine.single:
        bars = single_bars(case, bars, root / "bars")
    told: dict[str, Any] = {
        "engine": case.engine.name,
        "market": case.market.name,
        "mistake": case.mistake,
        "version": json.loads((folder / "made.json").read_text())["version"],
        "fills": reconcile.read_ledger(folder / "live").tables["fills"].rows,
        "terms": asdict(case.terms),
    }
    ways = ("plain", "stated") if case.mistake == HONEST else ("stated",)
    for way in ways:
        scenario = folder / f"{way}.toml"
        scenario.write_text(scenario_text(case, bars, way == "stated"))
        tolerance = None
        if way == "stated" and not case.engine.whole:
            tolerance = folder / "tolerance.toml"
            tolerance.write_text(TOLERANCE)
        ledger = folder / "live"
        told[way] = explained(scenario, ledger, tolerance) if way == "stated" else compared(scenario, ledger)
    if case.mistake != HONEST:
        told |= named(case, told["stated"]["causes"] + told["stated"]["leads"])
    return told


def named(case: Case, found: list[dict[str, str]]) -> dict[str, Any]:
    """Whether a mistake is among what was found, and what else is."""
    home = case.engine.home
    names, usual = NAMES[case.mistake], ALWAYS.get(home, set())
    if case.engine.one_rate:
        names |= ONE_RATE.get(case.mistake, frozenset())
    came = as_it_comes(home)
    new = {one["hypothesis"] for one in found if one["sentence"] not in came}
    sets = [each for each in TOGETHER.get(case.mistake, ()) if each <= new]
    true = names.union(usual, *sets)
    others = [one["sentence"] for one in found if one["hypothesis"] not in true]
    return {"named": bool(sets or (names & new)), "others": others}


def as_it_comes(home: str) -> set[str]:
    """The sentences that an engine's ledgers without a mistake are explained by."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    honest = [one for name, one in results.items() if name.split("/")[1:] == [home, HONEST]]
    return {
        each["sentence"] for one in honest for each in (*one["stated"]["causes"], *one["stated"]["leads"])
    }


def explained(scenario: Path, ledger: Path, tolerance: Path | None) -> dict[str, Any]:
    """The answer of `reconcile explain`, its seconds of the processor, and the largest gap of equity."""
    began = time.process_time()
    try:
        answer = json.loads(reconcile.explain(scenario, ledger, tolerance=tolerance).to_json())
    except reconcile.vocabulary.InputError as error:
        answer = {"verdict": " ".join(str(error).split())}
    seconds = time.process_time() - began
    told: dict[str, Any] = {"causes": [], "leads": [], "breaks": None, "unexplained_breaks": None}
    told |= {key: answer[key] for key in ("verdict", *told) if key in answer}
    for kind in ("causes", "leads"):
        told[kind] = [{key: one[key] for key in ("hypothesis", "sentence")} for one in told[kind]]
    return {**told, "seconds": round(seconds, 1), "gap": largest_gap(scenario, ledger)}


def compared(scenario: Path, ledger: Path) -> dict[str, Any]:
    """The breaks that `reconcile run` counts, and the largest gap of equity."""
    found = reconcile.run(scenario, ledger)
    return {
        "verdict": found.verdict.value,
        "breaks": len(found.breaks),
        "gap": largest_gap(scenario, ledger),
    }


def largest_gap(scenario: Path, ledger: Path) -> float | None:
    """Between the two equities at any bar, in money; None where the ledger has none at the market's bars."""
    found = reconcile.read_ledger(ledger)
    if "equity" not in found.tables:
        return None
    wanted = reconcile.scenario_from_file(scenario)
    ours = reconcile.reference.run(wanted, reconcile.load_market(wanted))
    frames = [reconcile.frame(each, "equity", floats=True) for each in (ours, found)]
    for frame in frames:  # zipline stamps a session at its close
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True).dt.tz_localize(None).dt.normalize()
    both = frames[0].merge(frames[1], on="timestamp", suffixes=("", "_theirs"))
    return round(float((both["equity"] - both["equity_theirs"]).abs().max()), 9) if len(both) else None
