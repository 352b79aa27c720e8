"""qlib: the daily report of a backtest, saved as CSV.

Truth: qlib/backtest/report.py (`PortfolioMetrics.save_portfolio_metrics`), workflow/record_temp.py. `return`
is before cost, `cost` is a rate of the day. Amounts are in adjusted shares. Its other artefacts are pickles,
which are not read.
"""

from __future__ import annotations

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules

COLUMNS = ("account", "return", "total_turnover", "turnover", "total_cost", "cost", "value", "cash")

UNNAMED = "column 1"
"""What the first column is called where the index had no name."""


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    stamp = "datetime" if "datetime" in columns else UNNAMED
    equity = {
        "file": file,
        "columns": {"timestamp": stamp, "equity": "account", "cash": "cash", "market_value": "value"},
        "leave_out": {
            name: "before cost" if name == "return" else "no column of equity"
            for name in columns
            if name not in (stamp, "account", "cash", "value")
        },
    }
    return {"tables": {"equity": equity}, **time_rules(options)}


FORMAT = Format(
    name="qlib",
    title="qlib, daily report",
    export="portfolio_metrics.save_portfolio_metrics('report.csv'), or report_normal.to_csv('report.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    holds=("worth, cash and the value held, per day",),
    mind=("`return` is before cost, `cost` a rate of the day.",),
    lacks=(
        "fills",
        "orders",
        "positions, which qlib saves as a pickle only",
        "real shares: amounts are adjusted",
    ),
)
