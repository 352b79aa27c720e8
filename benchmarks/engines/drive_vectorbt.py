"""vectorbt: fractional sizes, sized at the previous close, filled at the open, sells before buys (`auto`).

Cash never goes below 0: the last buys are cut, in its own order. Timed with `value()` and the order
records.
"""

import numpy as np
import pandas as pd
import vectorbt as vbt
from driving import Did, main
from workload import Workload

import reconcile


def build(work: Workload):
    terms = work.terms
    index = pd.DatetimeIndex(work.days)
    names = list(work.symbols)
    close, traded = (pd.DataFrame(prices, index, names) for prices in (work.close, work.traded_at))
    targets = pd.DataFrame(work.targets(shift=work.delay, others=0.0), index, names)
    valued = pd.DataFrame(work.sized_by, index, names).shift(work.delay)
    kind = "targetpercent"
    if terms.base != "equity":  # a value in shares at the deciding bar's price
        targets, kind = targets * terms.cash / valued, "targetamount"

    def run():
        portfolio = vbt.Portfolio.from_orders(
            close,
            size=targets,
            size_type=kind,
            price=traded,
            val_price=valued,
            fees=terms.commission,
            slippage=terms.slippage,
            init_cash=terms.cash,
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            freq="1D",
        )
        portfolio.final = float(portfolio.value().iloc[-1])
        portfolio.orders.records  # noqa: B018  made on first use, and part of the work
        return portfolio

    return run


def tell(work: Workload, portfolio) -> Did:
    return Did(len(portfolio.orders.records), portfolio.final)


def save(work: Workload, portfolio, folder):
    portfolio.orders.records_readable.to_csv(folder / "orders.csv", index=False)
    return reconcile.from_vectorbt(portfolio)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main("vectorbt", build, tell, save)
