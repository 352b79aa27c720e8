"""backtrader: fractional sizes, market orders at the next open, sells submitted before buys.

Its cash check at submission counts on no proceeds of the same bar's sells, so it is switched off; what
does not fit when it executes is rejected whole.
"""

from time import perf_counter, process_time

import backtrader as bt
import pandas as pd
from harness import Did, serve
from workload import CASH, RATE, WEIGHT, Workload


class Feed(bt.feeds.PandasData):
    seconds = processor = 0.0

    def preload(self):
        began, spent = perf_counter(), process_time()
        super().preload()
        Feed.seconds += perf_counter() - began
        Feed.processor += process_time() - spent


class Rebalance(bt.Strategy):
    params = (("picks", None),)

    def __init__(self):
        self.fills = 0
        self.held = []

    def next(self):
        picks = self.p.picks.get(len(self) - 1)
        if picks is None:
            return
        target = self.broker.getvalue() * WEIGHT
        wanted = [self.datas[i] for i in picks]
        kept = set(wanted)
        deltas = [(data, -self.getposition(data).size) for data in self.held if data not in kept]
        deltas += [(data, target / data.close[0] - self.getposition(data).size) for data in wanted]
        for data, size in deltas:
            if size < 0:
                self.sell(data, size=-size)
        for data, size in deltas:
            if size > 0:
                self.buy(data, size=size)
        self.held = wanted

    def notify_order(self, order):
        self.fills += order.status == order.Completed


def build(work: Workload):
    Feed.seconds = Feed.processor = 0.0
    cerebro = bt.Cerebro(stdstats=False)
    broker = cerebro.broker
    broker.setcash(CASH)
    broker.setcommission(commission=RATE)
    broker.set_slippage_perc(RATE, slip_open=True, slip_match=True, slip_out=True)
    broker.set_checksubmit(False)
    index = pd.DatetimeIndex(work.days)
    for i, symbol in enumerate(work.symbols):
        columns = {name: getattr(work, name)[:, i] for name in ("open", "high", "low", "close", "volume")}
        cerebro.adddata(Feed(dataname=pd.DataFrame(columns, index=index)), name=symbol)
    cerebro.addstrategy(Rebalance, picks=work.picks)

    def run():
        strategy = cerebro.run()[0]
        return lambda: Did(strategy.fills, broker.getvalue(), Feed.seconds, Feed.processor)

    return run


if __name__ == "__main__":
    serve("backtrader", build)
