"""backtrader: the analyzer of ours, which tells every execution, or a list of its fills written as CSV.

Truth: backtrader/order.py (OrderExecutionBit), brokers/bbroker.py (1.9.78). `size` is signed;
`price` includes slippage; `comm` is positive. Its own Transactions analyzer nets all executions of a bar, and
lists no commission. Feeds that read files of daily bars stamp them at 23:59:59.999989.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules
from reconcile.formats.tidy import without_session_ends

COLUMNS = ("datetime", "data", "size", "price", "comm")
TRANSACTIONS = ("date", "amount", "price", "sid", "symbol", "value")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    fills = {
        "file": file,
        "columns": {"timestamp": "datetime", "symbol": "data", "quantity": "size", "commission": "comm"},
        "side": "sign",
        "execution_order": "rows",
        "leave_out": {name: "no column of a fill" for name in columns if name not in COLUMNS},
    }
    return {"tables": {"fills": fills}, **time_rules(options)}


def _netted_rules(file: str, columns: Columns, options: Options) -> Rules:
    fills = {
        "file": file,
        "columns": {"timestamp": "date", "quantity": "amount"},
        "side": "sign",
        "leave_out": {
            name: "follows from the trade" if name == "value" else "no column of a fill"
            for name in columns
            if name not in ("date", "symbol", "amount", "price")
        },
    }
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="backtrader",
    title="backtrader",
    export="reconcile.from_backtrader(cerebro.run()[0]), with reconcile.backtrader_analyzer() added before",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    holds=("every execution, with its commission", "cash and equity per bar, read live"),
    lacks=("slippage apart from the price", "targets"),
    tidy=without_session_ends,
    mind=("A stamp is that of the bar as it was fed: of a daily feed, midnight.",),
    also=(
        Format(
            name="backtrader",
            title="backtrader, Transactions",
            export="the frame of backtrader's Transactions analyzer, to_csv('transactions.csv')",
            recognises=lambda columns: holds(columns, *TRANSACTIONS),
            rules=_netted_rules,
            tidy=without_session_ends,
            holds=("one netted execution per bar and data",),
            lacks=(
                "commissions",
                "executions that another one of the same bar undoes",
                "the price of each execution of a bar",
                "equity",
            ),
        ),
    ),
)


def analyzer() -> Any:
    """A backtrader analyzer that records every execution, and cash and value after every bar.

    Raises ImportError where backtrader is not installed.
    """
    import backtrader  # type: ignore[import-not-found, import-untyped, unused-ignore]

    class Fills(backtrader.Analyzer):  # type: ignore[misc, name-defined, unused-ignore]
        """Executions as they happen, one row each; (time, cash, value) per bar."""

        def start(self) -> None:
            self.fills: list[dict[str, Any]] = []
            self.books: list[dict[str, Any]] = []

        def notify_order(self, order: Any) -> None:
            for bit in order.executed.iterpending():
                self.fills.append(
                    {
                        "timestamp": backtrader.num2date(bit.dt),
                        "symbol": order.data._name,
                        "side": "buy" if bit.size > 0 else "sell",
                        "quantity": float(abs(bit.size)),
                        "price": float(bit.price),
                        "commission": float(bit.comm),
                    }
                )

        def next(self) -> None:
            broker = self.strategy.broker
            now = {"timestamp": self.strategy.datetime.datetime()}
            self.books.append({**now, "equity": float(broker.getvalue()), "cash": float(broker.getcash())})

        prenext = nextstart = next

        def get_analysis(self) -> dict[str, Any]:
            return {"fills": self.fills, "equity": self.books}

    return Fills


def tables_of(given: Any) -> dict[str, Any]:
    """Tables of a strategy that `cerebro.run()` returned, in which the analyzer of ours was added.

    given: the strategy, or a Cerebro that is ready to run: the analyzer is added, and it is run.
    """
    import pandas as pd

    strategy = given
    if type(given).__name__ == "Cerebro":
        given.addanalyzer(analyzer())
        strategy = given.run()[0]
    found = [one.get_analysis() for one in strategy.analyzers if type(one).__name__ == "Fills"]
    if not found:
        raise LookupError("no analyzer of tieout's in the strategy")
    fills = pd.DataFrame(
        found[0]["fills"], columns=["timestamp", "symbol", "side", "quantity", "price", "commission"]
    )
    return {
        "fills": fills,
        "equity": pd.DataFrame(found[0]["equity"], columns=["timestamp", "equity", "cash"]),
    }
