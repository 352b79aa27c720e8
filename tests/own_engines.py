"""Two engines as users write them: a loop over data frames of floats, and whole columns in pandas.

Each runs a scenario of its own, and ties out with the reference within the noise of its floats.
tests/explain_mutants.py changes their source.
"""

from __future__ import annotations

from math import floor

import pandas as pd

import reconcile
from reconcile.vocabulary import Ledger, Market, Scenario

LOOP = """
[market]
data = "ground"
[portfolio]
initial_cash = "250000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 4
gross_long = "0.9"
schedule = { every = 2, start = 0 }
gate = { context = "vix", max = 25 }
[[exits]]
kind = "stop_loss"
loss = "0.03"
[[exits]]
kind = "time_exit"
bars = 7
[costs]
commission = { kind = "bps", rate = "6", minimum = "2" }
slippage = { kind = "bps", rate = "4" }
"""

COLUMNS = """
[market]
data = "ground"
[market.features]
speed = { kind = "momentum", lookback = 5, skip = 1 }
[portfolio]
initial_cash = "1000000"
[strategy]
kind = "top_n"
score = "speed"
n = 3
gross_long = "0.75"
size_on = "initial_cash"
schedule = { every = 3, start = 0 }
[execution]
timing = "next_close"
cash = "allow_negative"
[costs]
commission = { kind = "per_share", rate = "0.01", minimum = "1" }
"""

FILLS = ["timestamp", "symbol", "side", "quantity", "price", "commission"]


def ticks(amount: float) -> float:
    """To four decimals, half up."""
    return floor(amount * 1e4 + 0.5) / 1e4


def fee_of(quantity: int, price: float) -> float:
    return max(2.0, ticks(quantity * price * 0.0006))


class Book:
    """Cash, shares by symbol, what they cost, and the bar at which they were first bought."""

    def __init__(self, cash: float) -> None:
        self.cash = cash
        self.held: dict[str, int] = {}
        self.paid: dict[str, float] = {}
        self.since: dict[str, int] = {}

    def trade(self, t: int, symbol: str, change: int, raw: float) -> tuple[int, float, float] | None:
        """Shares, price and fee of a fill; None where the cash buys nothing."""
        price = ticks(raw + ticks(raw * 0.0004)) if change > 0 else ticks(raw - ticks(raw * 0.0004))
        quantity, before = abs(change), self.held.get(symbol, 0)
        if change > 0:
            while quantity > 0 and quantity * price + fee_of(quantity, price) > self.cash:
                quantity -= 1
        if quantity == 0:
            return None
        fee = fee_of(quantity, price)
        if change > 0:
            self.cash -= quantity * price + fee
            self.paid[symbol] = self.paid.get(symbol, 0.0) + quantity * price
            self.held[symbol] = before + quantity
            if before == 0:
                self.since[symbol] = t
        else:
            self.cash += quantity * price - fee
            self.paid[symbol] -= self.paid[symbol] * quantity / before
            self.held[symbol] = before - quantity
            if self.held[symbol] == 0:
                del self.held[symbol], self.paid[symbol], self.since[symbol]
        return quantity, price, fee

    def leaving(self, t: int, close: pd.Series) -> list[str]:
        """Symbols that a stop or their age closes."""
        out = []
        for symbol in sorted(self.held):
            entry = ticks(self.paid[symbol] / self.held[symbol])
            stopped = close[symbol] <= entry - ticks(entry * 0.03)
            if stopped or (t - self.since[symbol] >= 7 and close[symbol] > 0):
                out.append(symbol)
        return out


def loop(scenario: Scenario, market: Market) -> Ledger:
    """Bar by bar: orders of the bar before at the open, marks, exits, then the ranking."""
    opens, close, score = market.to_frame("open"), market.to_frame("close"), market.to_frame("ml_score")
    vix, last = market.context["vix"], close.ffill()
    book = Book(250_000.0)
    orders: list[tuple[str, int]] = []
    fills, equity = [], []
    for t, day in enumerate(close.index):
        for symbol, change in sorted(orders, key=lambda order: order[1] > 0):
            if opens[symbol].iloc[t] > 0:
                made = book.trade(t, symbol, change, opens[symbol].iloc[t])
                if made is not None:
                    fills.append((day, symbol, "buy" if change > 0 else "sell", *made))
        worth = book.cash + sum(quantity * last[symbol].iloc[t] for symbol, quantity in book.held.items())
        equity.append((day, book.cash, worth))
        now = close.iloc[t]
        out = book.leaving(t, now)
        orders = [(symbol, -book.held[symbol]) for symbol in out]
        if t % 2 == 0 and vix[t] <= 25:
            ranked = score.iloc[t][now.notna()].drop(out, errors="ignore").dropna()
            best = list(ranked.sort_values(ascending=False, kind="stable").index[:4])
            for symbol in sorted(book.held):
                if best and symbol not in best and symbol not in out and now[symbol] > 0:
                    orders.append((symbol, -book.held[symbol]))
            for symbol in best:
                change = floor(worth * 0.225 / now[symbol]) - book.held.get(symbol, 0)
                if change != 0:
                    orders.append((symbol, change))
    return reconcile.from_frames({
        "fills": pd.DataFrame(fills, columns=FILLS),
        "equity": pd.DataFrame(equity, columns=["timestamp", "cash", "equity"]),
    })  # fmt: skip


def columns(scenario: Scenario, market: Market) -> Ledger:
    """Shares wanted by date, filled at the next close; cash and marks as cumulated columns."""
    close, speed = market.to_frame("close"), market.to_frame("speed")
    held = pd.Series(0.0, index=close.columns)
    flows = pd.Series(0.0, index=close.index)
    shares = pd.DataFrame(index=close.index, columns=close.columns, dtype=float)
    shares.iloc[0] = 0.0
    fills = []
    for t in range(0, len(close) - 1, 3):
        now, after = close.iloc[t], close.iloc[t + 1]
        best = speed.iloc[t][now.notna()].dropna().sort_values(ascending=False, kind="stable").index[:3]
        if len(best) == 0:
            continue
        wanted = held.where(now.isna(), 0.0)
        wanted[best] = 1_000_000 * 0.25 // now[best]
        change = (wanted - held)[after.notna()]
        change = change[change != 0]
        fees = (change.abs() * 0.01).clip(lower=1.0)
        held[change.index] = held[change.index] + change
        flows.iloc[t + 1] = -(change * after[change.index]).sum() - fees.sum()
        shares.iloc[t + 1] = held
        for symbol, quantity in change.items():
            side = "buy" if quantity > 0 else "sell"
            fills.append((close.index[t + 1], symbol, side, abs(quantity), after[symbol], fees[symbol]))
    cash = 1_000_000 + flows.cumsum()
    worth = cash + (shares.ffill() * close.ffill().fillna(0.0)).sum(axis=1)
    return reconcile.from_frames({
        "fills": pd.DataFrame(fills, columns=FILLS),
        "equity": pd.DataFrame({"timestamp": close.index, "cash": cash.array, "equity": worth.array}),
    })  # fmt: skip


ENGINES = {"loop": (loop, LOOP), "columns": (columns, COLUMNS)}
