"""backtrader's stops: a Stop or StopTrail and a Limit, one cancels the other, sent once the entry has filled.

They work from the bar after that. A StopTrail follows the close, and starts here at the better of fill and
close.
"""

import backtrader as bt
import pandas as pd
from gaps import CASH, COMMISSION, HOLD, Work, main

import reconcile


class Levels(bt.Strategy):
    params = (("work", None),)

    def __init__(self):
        self.waiting, self.opened, self.working = {}, {}, {}

    def next(self):
        work, bar = self.p.work, len(self) - 1
        for order in self.waiting.values():
            self.cancel(order)  # a limit that its bar did not meet
        self.waiting = {}
        for data in self.datas:
            if data in self.opened and bar - self.opened[data] == HOLD:
                self.stop_working(data)
                self.close(data)
        for symbol, entry in work.entries.get(bar, {}).items():
            data = self.getdatabyname(symbol)
            send = self.buy if entry.side > 0 else self.sell
            kind = bt.Order.Market if entry.limit is None else bt.Order.Limit
            order = send(data, size=entry.quantity, exectype=kind, price=entry.limit)
            self.waiting[data] = order

    def notify_order(self, order):
        data = order.data
        if order.status != order.Completed:
            return
        waiting = self.waiting.get(data)
        if waiting is not None and waiting.ref == order.ref:
            del self.waiting[data]
            self.opened[data] = len(self) - 1
            self.protect(data, order)
        else:
            self.opened.pop(data, None)

    def protect(self, data, order):
        task, price = self.p.work.task, order.executed.price
        side = 1 if order.isbuy() else -1
        size = abs(order.executed.size)
        send = self.sell if side > 0 else self.buy
        if task.trail is None:
            stop = send(data, size=size, exectype=bt.Order.Stop, price=price * (1 - side * task.stop))
        else:
            best = max(side * price, side * data.close[0]) * side
            stop = send(data, size=size, exectype=bt.Order.StopTrail, price=best, trailpercent=task.trail)
        level = price * (1 + side * task.target)
        self.working[data] = [stop, send(data, size=size, exectype=bt.Order.Limit, price=level, oco=stop)]

    def stop_working(self, data):
        for order in self.working.pop(data, ()):
            self.cancel(order)


def run(work: Work, target):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION)
    for symbol, frame in work.frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
    cerebro.addstrategy(Levels, work=work)
    cerebro.addanalyzer(reconcile.backtrader_analyzer())
    strategy = cerebro.run()[0]
    fills = pd.DataFrame(strategy.analyzers[0].get_analysis()["fills"])
    size = fills["quantity"].where(fills["side"] == "buy", -fills["quantity"])
    columns = {"datetime": fills["timestamp"], "data": fills["symbol"], "size": size}
    frame = pd.DataFrame({**columns, "price": fills["price"], "comm": fills["commission"]})
    frame.to_csv(target, index=False)


if __name__ == "__main__":
    main("backtrader", run)
