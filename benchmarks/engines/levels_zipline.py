"""zipline's stops: a StopOrder and a LimitOrder, sent once the entry has filled.

It looks at closes alone, and fills what a close has triggered at that close. Entries fill at the close of the
session after their order, so that they are ordered a bar before the bar that the file names.
"""

import os
import tempfile
import warnings
from datetime import UTC, time

import pandas as pd

home = tempfile.TemporaryDirectory(prefix="zipline-")
os.environ["ZIPLINE_ROOT"] = home.name
warnings.simplefilter("ignore")

from gaps import CASH, COMMISSION, HOLD, Work, main  # noqa: E402
from zipline import api, run_algorithm  # noqa: E402
from zipline.data import bundles  # noqa: E402
from zipline.finance import commission, slippage  # noqa: E402
from zipline.finance.execution import LimitOrder, StopOrder  # noqa: E402
from zipline.utils.calendar_utils import (  # noqa: E402
    TradingCalendar,
    get_calendar,
    global_calendar_dispatcher,
)

import reconcile  # noqa: E402


class EveryDay(TradingCalendar):
    """All days, from nine to five. A session that ended at midnight would be read a day late."""

    name, tz = "every-day", UTC
    open_times, close_times = ((None, time(9)),), ((None, time(17)),)
    weekmask = "1111111"


global_calendar_dispatcher.register_calendar_type("every-day", EveryDay)


class AtClose(slippage.SlippageModel):
    """All of an order, at the close."""

    def process_order(self, data, order):
        return data.current(order.asset, "close"), order.amount


def bundle(work: Work) -> str:
    """The name of a bundle of these bars."""

    def ingest(_env, assets, _minutes, daily, adjustments, *_rest):
        listed = {"symbol": list(work.frames), "start_date": work.days[0], "end_date": work.days[-1]}
        assets.write(equities=pd.DataFrame({**listed, "exchange": "PLAIN"}))
        daily.write(enumerate(work.frames.values()), assets=set(range(len(work.frames))))
        adjustments.write()

    first, last = work.days[0], work.days[-1]
    bundles.register("levels", ingest, calendar_name="every-day", start_session=first, end_session=last)
    bundles.ingest("levels")
    return "levels"


def run(work: Work, target):
    task = work.task

    def initialize(context):
        context.bar = -1
        context.assets = {symbol: api.symbol(symbol) for symbol in work.frames}
        context.opened = {}
        api.set_slippage(us_equities=AtClose())
        api.set_commission(us_equities=commission.PerDollar(COMMISSION))

    def handle_data(context, data):
        context.bar += 1
        positions = context.portfolio.positions
        for asset in context.assets.values():
            held = positions[asset].amount if asset in positions else 0
            if held == 0:
                cancel_all(asset)
                context.opened.pop(asset, None)
            elif asset not in context.opened:
                context.opened[asset] = context.bar
                protect(asset, held, positions[asset].last_sale_price)
            # the order goes to the close of the next session
            elif context.bar + 1 - context.opened[asset] == HOLD:
                cancel_all(asset)
                api.order(asset, -held)
        for symbol, entry in work.entries.get(context.bar + 1, {}).items():
            api.order(context.assets[symbol], entry.side * entry.quantity)

    def protect(asset, held, price):
        side = 1 if held > 0 else -1
        api.order(asset, -held, style=StopOrder(price * (1 - side * task.stop)))
        api.order(asset, -held, style=LimitOrder(price * (1 + side * task.target)))

    def cancel_all(asset):
        for order in api.get_open_orders(asset):
            api.cancel_order(order)

    perf = run_algorithm(
        start=work.days[0],
        end=work.days[-1],
        initialize=initialize,
        handle_data=handle_data,
        capital_base=CASH,
        bundle=bundle(work),
        trading_calendar=get_calendar("every-day"),
        benchmark_returns=pd.Series(0.0, index=work.days),
        default_extension=False,
    )
    reconcile.write_ledger(reconcile.from_zipline(perf), target, format="csv")


if __name__ == "__main__":
    main("zipline-reloaded", run)
