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

from harness import Did, serve  # noqa: E402
from workload import CASH, RATE, WEIGHT, Workload  # noqa: E402
from zipline import api, run_algorithm  # noqa: E402
from zipline.data import bundles  # noqa: E402
from zipline.finance import commission, slippage  # noqa: E402
from zipline.utils.calendar_utils import (  # noqa: E402
    TradingCalendar,
    get_calendar,
    global_calendar_dispatcher,
)

CALENDAR = "weekdays"


class Weekdays(TradingCalendar):
    """Every weekday from nine to five. A session that ended at midnight would be read a day late."""

    name, tz = CALENDAR, UTC
    open_times, close_times = ((None, time(9)),), ((None, time(17)),)


global_calendar_dispatcher.register_calendar_type(CALENDAR, Weekdays)


class NextOpen(slippage.SlippageModel):
    def process_order(self, data, order):
        return data.current(order.asset, "open") * (1 + RATE * order.direction), order.amount


@cache
def bundle(bars: int, work: Workload) -> str:
    """The name of a bundle of these bars, ingested when first asked for."""
    name = f"bars{bars}"
    sessions = pd.DatetimeIndex(work.days)

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

    def initialize(context):
        context.bar = -1
        context.assets = [api.symbol(symbol) for symbol in work.symbols]
        api.set_slippage(us_equities=NextOpen())
        api.set_commission(us_equities=commission.PerDollar(RATE))

    def handle_data(context, data):
        context.bar += 1
        picks = work.picks.get(context.bar)
        if picks is None:
            return
        target = context.portfolio.portfolio_value * WEIGHT
        wanted = [context.assets[i] for i in picks]
        held = {asset: position.amount for asset, position in context.portfolio.positions.items()}
        close = data.current(wanted, "close")
        for asset in set(held).difference(wanted):
            api.order(asset, -held[asset])
        for asset in wanted:
            api.order(asset, int(np.floor(target / close[asset])) - held.get(asset, 0))

    def run():
        result = run_algorithm(
            start=sessions[0],
            end=sessions[-1],
            initialize=initialize,
            handle_data=handle_data,
            capital_base=CASH,
            bundle=name,
            trading_calendar=get_calendar(CALENDAR),
            benchmark_returns=pd.Series(0.0, index=sessions),
            default_extension=False,
        )
        value = float(result["portfolio_value"].iloc[-1])
        return lambda: Did(int(result["transactions"].map(len).sum()), value)

    return run


if __name__ == "__main__":
    serve("zipline-reloaded", build)
