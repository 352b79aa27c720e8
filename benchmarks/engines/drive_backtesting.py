"""Backtesting.py: one symbol, whole shares, market orders at the next open, cut or cancelled by margin.

It trades one symbol alone, the first of the market: in where the scores pick it, out where they do not.
Its spread is paid at entries only, so that slippage is its `spread`. `same_close` is its
`trade_on_close`.
"""

import pandas as pd
from backtesting import Backtest, Strategy
from driving import Did, main
from workload import Workload

import reconcile

SHARE = 0.95
"""Of the equity, when it is in."""


def build(work: Workload):
    terms = work.terms
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    columns = {title: getattr(work, name)[:, 0] for name, title in names.items()}
    bars = pd.DataFrame(columns, pd.DatetimeIndex(work.days))

    class InOrOut(Strategy):
        def init(self):
            pass

        def next(self):
            t = len(self.data) - 1
            if t not in work.picks:
                return
            if 0 not in work.picks[t]:
                self.position.close()
            elif not self.position:
                base = self.equity if terms.base == "equity" else terms.cash
                price = self.data.Open[-1] if terms.sized_at == "open" else self.data.Close[-1]
                self.buy(size=int(base * SHARE // price))

    test = Backtest(
        bars,
        InOrOut,
        cash=terms.cash,
        commission=terms.commission,
        spread=terms.slippage,
        trade_on_close=terms.timing == "same_close",
        finalize_trades=False,
    )
    return test.run


def tell(work: Workload, stats) -> Did:
    return Did(2 * len(stats._trades), float(stats._equity_curve["Equity"].iloc[-1]))


def save(work: Workload, stats, folder):
    stats._trades.to_csv(folder / "trades.csv")
    return reconcile.from_backtesting(stats, work.symbols[0])


if __name__ == "__main__":
    main("backtesting", build, tell, save)
