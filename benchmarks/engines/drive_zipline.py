"""zipline-reloaded: whole shares, no cash check, orders filled in the next session by a slippage model that
takes its open. Bars come from a bundle of its own format, written beforehand.
"""

import os
import tempfile
import warnings
from datetime import UTC, time
from functools import cache

import numpy as np
import pandas as pd

home = tempfile.TemporaryDirectory(prefix="zipline-")
os.environ["ZIPLINE_ROOT"] = home.name
warnings.simplefilter("ignore")

from driving import Did, main  # noqa: E402
from workload import Workload  # noqa: E402
from zipline import api, run_algorithm  # noqa: E402
from zipline.data import bundles  # noqa: E402
from zipline.finance import commission, slippage  # noqa: E402
from zipline.utils.calendar_utils import (  # noqa: E402
    TradingCalendar,
    get_calendar,
    global_calendar_dispatcher,
)

import reconcile  # noqa: E402

CALENDAR = "weekdays"


HOLIDAYS: list[pd.Timestamp] = []
"""Weekdays without a bar, of the market that is run."""


class Weekdays(TradingCalendar):
    """The market's weekdays from nine to five. A session that ended at midnight would be read a day late."""

    name, tz = CALENDAR, UTC
    open_times, close_times = ((None, time(9)),), ((None, time(17)),)
    adhoc_holidays = property(lambda self: list(HOLIDAYS))


global_calendar_dispatcher.register_calendar_type(CALENDAR, Weekdays)


class NextBar(slippage.SlippageModel):
    """Fills at the open or the close of the session after the order's."""

    def __init__(self, field, rate):
        super().__init__()
        self.field, self.rate = field, rate

    def process_order(self, data, order):
        return data.current(order.asset, self.field) * (1 + self.rate * order.direction), order.amount


@cache
def bundle(bars: int, work: Workload) -> str:
    """The name of a bundle of these bars, ingested when first asked for."""
    name = f"bars{bars}"
    sessions = pd.DatetimeIndex(work.days)
    HOLIDAYS[:] = pd.bdate_range(sessions[0], sessions[-1]).difference(sessions)

    def frames():
        for i in range(len(work.symbols)):
            columns = {name: getattr(work, name)[:, i] for name in ("open", "high", "low", "close", "volume")}
            yield i, pd.DataFrame(columns, index=sessions)

    def ingest(_env, assets, _minutes, daily, adjustments, *_rest):
        listed = {"symbol": work.symbols, "start_date": sessions[0], "end_date": sessions[-1]}
        assets.write(equities=pd.DataFrame({**listed, "exchange": "PLAIN"}))
        daily.write(frames(), assets=set(range(len(work.symbols))))
        adjustments.write()

    bundles.register(
        name, ingest, calendar_name=CALENDAR, start_session=sessions[0], end_session=sessions[-1]
    )
    bundles.ingest(name)
    return name


def build(work: Workload):
    name = bundle(len(work.days), work)
    sessions = pd.DatetimeIndex(work.days)

    terms = work.terms
    field = "open" if terms.timing == "next_open" else "close"

    def initialize(context):
        context.bar = -1
        context.assets = [api.symbol(symbol) for symbol in work.symbols]
        api.set_slippage(us_equities=NextBar(field, terms.slippage))
        api.set_commission(us_equities=commission.PerDollar(terms.commission))

    def handle_data(context, data):
        context.bar += 1
        picks = work.picks.get(context.bar)
        if picks is None:
            return
        target = work.target(context.portfolio.portfolio_value)
        wanted = [context.assets[i] for i in picks]
        held = {asset: position.amount for asset, position in context.portfolio.positions.items()}
        price = data.current(wanted, terms.sized_at)
        for asset in set(held).difference(wanted):
            api.order(asset, -held[asset])
        for asset in wanted:
            api.order(asset, int(np.floor(target / price[asset])) - held.get(asset, 0))

    return lambda: run_algorithm(
        start=sessions[0],
        end=sessions[-1],
        initialize=initialize,
        handle_data=handle_data,
        capital_base=terms.cash,
        bundle=name,
        trading_calendar=get_calendar(CALENDAR),
        benchmark_returns=pd.Series(0.0, index=sessions),
        default_extension=False,
    )


def tell(work: Workload, perf) -> Did:
    return Did(int(perf["transactions"].map(len).sum()), float(perf["portfolio_value"].iloc[-1]))


def save(work: Workload, perf, folder):
    perf.to_csv(folder / "perf.csv")
    for transaction in (each for session in perf["transactions"] for each in session):
        transaction["dt"] = transaction["dt"].normalize()  # the market's bars are stamped with the day
    return reconcile.from_zipline(perf.assign(period_close=perf["period_close"].dt.normalize()))


if __name__ == "__main__":
    main("zipline-reloaded", build, tell, save)
