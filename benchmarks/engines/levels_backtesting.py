"""Backtesting.py's stops: `trade.tp` and `trade.sl`, set once the entry has filled; one symbol.

They work from the bar after that. A stop loss stands in front of the queue. The trailing stop is
`trade.sl`, moved by the high at the end of every bar.
"""

import warnings

import pandas as pd
from backtesting import Backtest, Strategy
from gaps import CASH, COMMISSION, HOLD, Work, main


def run(work: Work, target):
    (frame,) = work.frames.values()
    task = work.task

    class Levels(Strategy):
        def init(self):
            self.waiting = None

        def next(self):
            bar = len(self.data) - 1
            if self.waiting is not None and self.waiting in self.orders:
                self.waiting.cancel()  # a limit that its bar did not meet
            self.waiting = None
            for trade in self.trades:
                side = 1 if trade.is_long else -1
                if trade.tp is None:
                    trade.tp = trade.entry_price * (1 + side * task.target)
                if task.trail is None:
                    if trade.sl is None:
                        trade.sl = trade.entry_price * (1 - side * task.stop)
                else:
                    best = self.data.High[-1] if side > 0 else self.data.Low[-1]
                    level = best * (1 - side * task.trail)
                    trade.sl = level if trade.sl is None else side * max(side * level, side * trade.sl)
                if bar - trade.entry_bar == HOLD:
                    trade.close()
            for entry in work.entries.get(bar, {}).values():
                send = self.buy if entry.side > 0 else self.sell
                self.waiting = send(size=entry.quantity, limit=entry.limit)

    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    test = Backtest(frame.rename(columns=names), Levels, cash=CASH, commission=COMMISSION)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = test.run()
    trades: pd.DataFrame = stats._trades
    trades.to_csv(target)


if __name__ == "__main__":
    main("backtesting", run)
