"""Backtesting.py: `stats._trades` and `stats._equity_curve`, written as CSV, or the stats themselves.

Truth: backtesting/_stats.py, backtesting.py (0.6.6). One row is a round trip; `Size` is signed. Before
0.6 there is no `Commission`: it is in `EntryPrice`. Trades that are open at the end are absent unless
`finalize_trades=True`; the stats still hold them. The symbol's name is not in the export.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, equity_rules, holds, time_rules

COLUMNS = ("Size", "EntryPrice", "ExitPrice", "EntryTime", "ExitTime")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    known = {*COLUMNS, "PnL"}
    fills: dict[str, Any] = {
        "file": file,
        "columns": {"quantity": "Size"},
        "constants": {"symbol": options.symbol or "ASSET"},
        "round_trips": {
            "open": {"timestamp": "EntryTime", "price": "EntryPrice"},
            "close": {"timestamp": "ExitTime", "price": "ExitPrice"},
        },
        "leave_out": {name: "follows from the trade" for name in columns if name not in known},
    }
    if "PnL" in columns:
        fills["profit"] = {"column": "PnL"}
        if "Commission" in columns:
            fills["leave_out"]["Commission"] = "of entry and exit together: not one fill's"
            fills["leave_out"]["PnL"] = "net of a commission that no fill has"
            del fills["profit"]
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="backtesting",
    title="Backtesting.py",
    export="stats._trades.to_csv('trades.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS) and "EntryBar" in columns,
    rules=_rules,
    holds=("the entry and the exit of every closed trade", "the profit of each"),
    mind=(
        "`Size` is signed: below 0 is a short. A trade that was closed in parts is one row per part.",
        "Trades that are open at the end are absent, unless `finalize_trades=True` closed them.",
        "From 0.6 on, `Commission` is of entry and exit together; before, `EntryPrice` contains it.",
    ),
    lacks=("the symbol", "orders", "the commission of each fill", "trades that are still open", "positions"),
    also=(
        Format(
            name="backtesting",
            title="Backtesting.py, equity curve",
            export="stats._equity_curve.to_csv('equity.csv')",
            recognises=lambda columns: holds(columns, "Equity", "DrawdownPct", "DrawdownDuration"),
            rules=equity_rules(("Date", "Datetime"), equity="Equity"),
            holds=("the worth of every bar, with open trades",),
            lacks=("fills", "orders", "cash", "positions"),
        ),
    ),
)


def tables_of(stats: Any, symbol: str = "ASSET") -> dict[str, Any]:
    """Tables of the stats that `Backtest.run()` returns: fills from trades, equity from its curve.

    Of trades that are still open at the end there is the fill that opened them.
    """
    import pandas as pd

    trades, curve = stats._trades, stats._equity_curve
    sides = []
    for time, price, opens in (("EntryTime", "EntryPrice", True), ("ExitTime", "ExitPrice", False)):
        buys = (trades["Size"] > 0) == opens
        sides.append(
            pd.DataFrame(
                {
                    "timestamp": pd.to_datetime(trades[time]),
                    "symbol": symbol,
                    "side": buys.map({True: "buy", False: "sell"}),
                    "quantity": trades["Size"].abs().astype(float),
                    "price": trades[price].astype(float),
                }
            )
        )
    still_open = _still_open(getattr(stats, "_strategy", None), symbol)
    sides += [still_open] if len(still_open) else []
    fills = pd.concat(sides).sort_values("timestamp", kind="stable", ignore_index=True)
    equity = pd.DataFrame({"timestamp": curve.index, "equity": curve["Equity"].to_numpy(float)})
    return {"fills": fills, "equity": equity}


def _still_open(strategy: Any, symbol: str) -> Any:
    """The fills that opened the trades which a strategy still has."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "timestamp": pd.Timestamp(trade.entry_time),
                "symbol": symbol,
                "side": "buy" if trade.size > 0 else "sell",
                "quantity": float(abs(trade.size)),
                "price": float(trade.entry_price),
            }
            for trade in getattr(strategy, "trades", ())
        ],
        columns=["timestamp", "symbol", "side", "quantity", "price"],
    )
