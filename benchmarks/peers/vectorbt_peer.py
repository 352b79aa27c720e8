"""vectorbt: fractional sizes, sized at the previous close, filled at the open, sells before buys (`auto`).

Cash never goes below 0: the last buys are cut, in its own order. Timed with `value()` and the order records.
"""

import pandas as pd
import vectorbt as vbt
from harness import Did, serve
from workload import CASH, RATE, Workload


def build(work: Workload):
    index = pd.DatetimeIndex(work.days)
    close, opens = (pd.DataFrame(prices, index, list(work.symbols)) for prices in (work.close, work.open))
    targets = pd.DataFrame(work.targets(shift=1, others=0.0), index, close.columns)
    previous = close.shift(1)

    def run():
        portfolio = vbt.Portfolio.from_orders(
            close,
            size=targets,
            size_type="targetpercent",
            price=opens,
            val_price=previous,
            fees=RATE,
            slippage=RATE,
            init_cash=CASH,
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            freq="1D",
        )
        value, orders = portfolio.value(), portfolio.orders.records
        return lambda: Did(len(orders), float(value.iloc[-1]))

    return run


if __name__ == "__main__":
    serve("vectorbt", build)
