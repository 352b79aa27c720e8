"""Ledgers from what an engine holds in memory: `reconcile.from_vectorbt(portfolio)` and its like.

None of them imports its engine: the object that is handed over brings what is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from reconcile.formats import (
    backtesting,
    backtrader,
    bt,
    cvxportfolio,
    freqtrade,
    ml4t,
    nautilus,
    pybroker,
    vectorbt,
    zipline,
)
from reconcile.formats.tidy import Tidied
from reconcile.ledger.frames import Ledger, from_frames
from vocabulary.errors import InputError


def from_vectorbt(portfolio: Any) -> Ledger:
    """The ledger of a vectorbt Portfolio: fills, and equity where all columns share one account."""
    return _ledger(
        "from_vectorbt", "a vectorbt Portfolio", portfolio, vectorbt.tables_of, vectorbt.FORMAT.tidy
    )


def from_backtesting(stats: Any, symbol: str = "ASSET") -> Ledger:
    """The ledger of the stats that Backtesting.py's `Backtest.run()` returns.

    symbol: the name that its symbol gets, because the stats have none.
    """
    return _ledger(
        "from_backtesting",
        "stats of Backtesting.py",
        stats,
        lambda given: backtesting.tables_of(given, symbol),
    )


def from_backtrader(strategy: Any) -> Ledger:
    """The ledger of a backtrader strategy that ran with `backtrader_analyzer()`.

    strategy: or a Cerebro that is ready: it is run here, with the analyzer.
    """
    expected = "a Cerebro, or a strategy that ran with reconcile.backtrader_analyzer()"
    return _ledger("from_backtrader", expected, strategy, backtrader.tables_of, backtrader.FORMAT.tidy)


def backtrader_analyzer() -> Any:
    """An analyzer class for `cerebro.addanalyzer(...)`. InputError where backtrader is not installed."""
    try:
        return backtrader.analyzer()
    except ImportError:
        remedy = "Install it: pip install backtrader."
        raise InputError("backtrader_analyzer", "no module backtrader", "backtrader", remedy) from None


def from_bt(result: Any, name: str | None = None) -> Ledger:
    """The ledger of a bt Result.

    name: the backtest in it; by default the first one.
    """
    return _ledger("from_bt", "a bt Result", result, lambda given: bt.tables_of(given, name))


def from_cvxportfolio(result: Any) -> Ledger:
    """The ledger of a cvxportfolio BacktestResult: trades, holdings and value in money."""
    tidy = cvxportfolio.FORMAT.tidy
    return _ledger("from_cvxportfolio", "a BacktestResult", result, cvxportfolio.tables_of, tidy)


def from_zipline(perf: Any) -> Ledger:
    """The ledger of the perf frame that zipline's `run_algorithm` returns."""
    return _ledger("from_zipline", "zipline's perf frame", perf, zipline.tables_of)


def from_pybroker(result: Any) -> Ledger:
    """The ledger of a pybroker TestResult; its numbers are rounded to cents by default."""
    return _ledger("from_pybroker", "a pybroker TestResult", result, pybroker.tables_of)


def from_ml4t(result: Any) -> Ledger:
    """The ledger of an ml4t-backtest result."""
    return _ledger("from_ml4t", "an ml4t-backtest result", result, ml4t.tables_of)


def from_nautilus(engine: Any) -> Ledger:
    """The fills of a nautilus_trader BacktestEngine; it keeps no equity per bar."""
    expected = "a nautilus_trader BacktestEngine"
    return _ledger("from_nautilus", expected, engine, nautilus.tables_of, nautilus.FORMAT.tidy)


def from_freqtrade(trades: Any, forced_exits: bool = True) -> Ledger:
    """The ledger of the trades of a freqtrade backtest: a frame, as `load_backtest_data` gives it, or a list.

    forced_exits: with those by which freqtrade closes at the end what is still open; no scenario has them.
    """
    expected = "trades of freqtrade, with their orders"
    return _ledger(
        "from_freqtrade", expected, trades, lambda given: freqtrade.tables_of_trades(given, forced_exits)
    )


def from_quantstats(returns: Any) -> Ledger:
    """A ledger of equity alone, from a series of simple returns that starts from 1."""
    import pandas as pd

    def tables(given: Any) -> dict[str, Any]:
        series = pd.Series(given).astype(float)
        equity = (1 + series.fillna(0)).cumprod()
        return {"equity": pd.DataFrame({"timestamp": series.index, "equity": equity.to_numpy()})}

    return _ledger("from_quantstats", "a series of returns with times", returns, tables)


def _ledger(
    where: str,
    expected: str,
    given: Any,
    tables_of: Callable[[Any], dict[str, Any]],
    tidy: Callable[[Ledger], Tidied] | None = None,
) -> Ledger:
    """Frames of a live object made a ledger. Raises InputError where the object is another one."""
    try:
        tables = tables_of(given)
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        found = f"a {type(given).__qualname__} ({type(error).__name__}: {error})"
        raise InputError(where, found, expected, "Hand over what the engine returned.") from error
    ledger = from_frames(tables)
    return ledger if tidy is None else cast(Ledger, tidy(ledger)[0])
