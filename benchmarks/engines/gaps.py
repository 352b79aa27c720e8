"""Stops and targets over a market of gaps: bars, entries, and what every engine is given to trade.

Prices gap over night, and bars are wide, so that opens lie beyond stops and targets, some bars lie wholly
beyond a stop, and others hold both stop and target. Prices are whole tenths, shares are whole, there is no
slippage, and the rates are short: every level and commission is exact in seven decimals, so that a break is
a rule and no rounding.

The entries are a file of orders (R10 of docs/semantics.md), a few bars apart, so that a position is closed
before the next one is opened. Exits are rules: a stop or trailing stop with a target, and a time exit.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 11
FIRST_DAY = "2024-01-01"
OVERNIGHT, INTRADAY, REACH, REVERSION = 0.025, 0.012, 0.06, 0.03
HOLD = 2
"""Bars after the opening fill, at whose close a position is ordered closed."""
APART = 7
"""Bars from one entry of a symbol to its next."""
CASH = 1_000_000
COMMISSION = 0.001
FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Task:
    """A set of exits. stop, target, trail: fractions of the entry price, or of the best price since then."""

    name: str
    stop: float | None = None
    target: float | None = None
    trail: float | None = None
    limits: bool = False


BRACKETS = Task("brackets", stop=0.04, target=0.05)
TRAILING = Task("trailing", target=0.06, trail=0.04)
LIMITS = Task("limits", stop=0.04, target=0.05, limits=True)
STOPS = Task("stops", stop=0.04)
TRAILS = Task("trails", trail=0.04)
TASKS = {task.name: task for task in (BRACKETS, TRAILING, LIMITS, STOPS, TRAILS)}


@dataclass(frozen=True)
class Entry:
    """side: 1 buys, -1 sells short. limit: of a limit order that works in its execution bar alone."""

    side: int
    quantity: int
    limit: float | None


@dataclass(frozen=True, eq=False)
class Work:
    """frames: bars by symbol, indexed by day. entries: by number of the deciding bar, then symbol."""

    days: pd.DatetimeIndex
    frames: dict[str, pd.DataFrame]
    entries: dict[int, dict[str, Entry]]
    task: Task


def generate(symbols: int, bars: int) -> pd.DataFrame:
    """Bars in long format. Uniform draws only: the same on every version of numpy."""
    draw = np.random.Generator(np.random.PCG64(SEED))

    def noise(deviation: float) -> np.ndarray:
        """A sum of four uniforms, (symbols,), every fourth of it three times as large: gaps."""
        drawn = (draw.random((4, symbols)).sum(axis=0) - 2.0) * (deviation * np.sqrt(3.0))
        return drawn * np.where(draw.random(symbols) < 0.25, 3.0, 1.0)

    mean = np.log(80.0) + draw.random(symbols) * 0.5
    level = mean.copy()
    rows = []
    for day in pd.date_range(FIRST_DAY, periods=bars):
        opened = level + REVERSION * (mean - level) + noise(OVERNIGHT)
        level = opened + noise(INTRADAY)
        ends = np.rint(np.exp(np.stack([opened, level])) * 10.0) / 10.0
        reach = 1.0 + draw.random((2, symbols)) * REACH
        high = np.rint(ends.max(axis=0) * reach[0] * 10.0) / 10.0
        low = np.rint(ends.min(axis=0) / reach[1] * 10.0) / 10.0
        for i in range(symbols):
            prices = (ends[0, i], high[i], low[i], ends[1, i])
            rows.append((day, f"G{i}", *(round(float(price), 1) for price in prices), 1_000_000))
    return pd.DataFrame(rows, columns=["timestamp", "symbol", *FIELDS])


def files() -> dict[str, pd.DataFrame]:
    """The bars and the files of entries, by name; apart for one symbol, and for pairs without shorts."""
    found = {}
    for ending, symbols, bars in (("", 4, 240), ("-single", 1, 900)):
        market = generate(symbols, bars)
        found[f"market{ending}.csv"] = market
        found[f"orders{ending}.csv"] = entries(market, limits=False)
        found[f"limits{ending}.csv"] = entries(market, limits=True)
    for name in ("market", "orders"):
        pairs = found[f"{name}.csv"].copy()
        pairs["symbol"] += "/USDT"
        found[f"{name}-pairs.csv"] = pairs if name == "market" else pairs[pairs["side"] == "buy"]
    return found


def entries(market: pd.DataFrame, limits: bool) -> pd.DataFrame:
    """The file of orders: long and short in turn.

    A limit is the close or up to 3 % better than it, in whole tenths, as prices are; each third one is the
    low or high of the bar in which it works. Some are met at an open, some within the bar, some not at all.
    """
    draw = np.random.Generator(np.random.PCG64(SEED + 1))
    rows = []
    for place, (symbol, bars) in enumerate(market.groupby("symbol")):
        closes, days = bars["close"].to_numpy(), bars["timestamp"].dt.strftime("%Y-%m-%d").to_list()
        for number, t in enumerate(range(1 + 2 * place, len(bars) - HOLD - 3, APART)):
            better, quantity = draw.random() * 0.03, 50 + int(draw.random() * 100)
            side = 1 if number % 2 == 0 else -1
            order = [days[t], symbol, "buy" if side > 0 else "sell", quantity]
            if limits:
                far = (bars["low"] if side > 0 else bars["high"]).to_numpy()[t + 1]
                price = far if number % 3 == 2 else closes[t] * (1 - side * better)
                order += ["limit", f"{price:.1f}"]
            rows.append(order)
    columns = ["decided_at", "symbol", "side", "quantity", *(["type", "price"] if limits else [])]
    return pd.DataFrame(rows, columns=columns).sort_values(["decided_at", "symbol"], ignore_index=True)


def read(market: Path, orders: Path, task: Task) -> Work:
    """What the scenario reads, for an engine."""
    bars = pd.read_csv(market, parse_dates=["timestamp"])
    frames = {
        str(symbol): frame.set_index("timestamp")[list(FIELDS)] for symbol, frame in bars.groupby("symbol")
    }
    days = next(iter(frames.values())).index
    found: dict[int, dict[str, Entry]] = {}
    for row in pd.read_csv(orders, parse_dates=["decided_at"]).to_dict("records"):
        side = 1 if row["side"] == "buy" else -1
        limit = float(row["price"]) if "price" in row else None
        bar = int(days.get_loc(row["decided_at"]))
        found.setdefault(bar, {})[str(row["symbol"])] = Entry(side, int(row["quantity"]), limit)
    return Work(pd.DatetimeIndex(days), frames, found, task)


def main(distribution: str, run: Callable[[Work, Path], Any]) -> None:
    """What an engine's script does: `script MARKET ORDERS TASK EXPORT`. It prints the version, as JSON.

    run: runs the engine over a work, writes its own export to a path.
    """
    market, orders, task, export = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to the error stream
    target = Path(export)
    target.parent.mkdir(parents=True, exist_ok=True)
    run(read(Path(market), Path(orders), TASKS[task]), target)
    print(json.dumps({"version": version(distribution)}), file=answers, flush=True)
