"""backtrader: sizes as the terms say, market orders at the next open, sells submitted before buys.

Its cash check at submission counts on no proceeds of the same bar's sells, so it is switched off; what
does not fit when it executes is rejected whole. `same_close` is its cheat-on-close.
"""

from time import perf_counter, process_time

import backtrader as bt
import pandas as pd
from driving import Did, main
from workload import Workload

import reconcile


class Feed(bt.feeds.PandasData):
    seconds = processor = 0.0

    def preload(self):
        began, spent = perf_counter(), process_time()
        super().preload()
        Feed.seconds += perf_counter() - began
        Feed.processor += process_time() - spent


class Rebalance(bt.Strategy):
    params = (("work", None),)

    def __init__(self):
        self.fills = 0
        self.held = []

    def next(self):
        work = self.p.work
        picks = work.picks.get(len(self) - 1)
        if picks is None:
            return
        target = work.target(self.broker.getvalue())
        wanted = [self.datas[i] for i in picks]
        kept = set(wanted)
        field = work.terms.sized_at
        deltas = [(data, -self.getposition(data).size) for data in self.held if data not in kept]
        deltas += [
            (data, work.shares(target, getattr(data, field)[0]) - self.getposition(data).size)
            for data in wanted
        ]
        for data, size in deltas:
            if size < 0:
                self.sell(data, size=-size)
        for data, size in deltas:
            if size > 0:
                self.buy(data, size=size)
        self.held = wanted

    def notify_order(self, order):
        self.fills += order.status == order.Completed


def build(work: Workload, analyzers=()):
    Feed.seconds = Feed.processor = 0.0
    cerebro = bt.Cerebro(stdstats=False)
    broker = cerebro.broker
    broker.setcash(work.terms.cash)
    broker.setcommission(commission=work.terms.commission)
    broker.set_slippage_perc(work.terms.slippage, slip_open=True, slip_match=True, slip_out=True)
    broker.set_checksubmit(False)
    broker.set_coc(work.terms.timing == "same_close")
    index = pd.DatetimeIndex(work.days)
    for i, symbol in enumerate(work.symbols):
        columns = {name: getattr(work, name)[:, i] for name in ("open", "high", "low", "close", "volume")}
        cerebro.adddata(Feed(dataname=pd.DataFrame(columns, index=index)), name=symbol)
    cerebro.addstrategy(Rebalance, work=work)
    for analyzer in analyzers:
        cerebro.addanalyzer(analyzer)
    return lambda: cerebro.run()[0]


def recorded(work: Workload):
    return build(work, [reconcile.backtrader_analyzer()])


def tell(work: Workload, strategy) -> Did:
    return Did(strategy.fills, strategy.broker.getvalue(), Feed.seconds, Feed.processor)


def save(work: Workload, strategy, folder):
    ledger = reconcile.from_backtrader(strategy)
    fills = pd.DataFrame(strategy.analyzers[0].get_analysis()["fills"])
    size = fills["quantity"].where(fills["side"] == "buy", -fills["quantity"])
    columns = {"datetime": fills["timestamp"], "data": fills["symbol"], "size": size}
    frame = pd.DataFrame({**columns, "price": fills["price"], "comm": fills["commission"]})
    frame.to_csv(folder / "fills.csv", index=False)
    return ledger


if __name__ == "__main__":
    main("backtrader", build, tell, save, recorded)
