"""nautilus_trader's stops: a bracket order, a market order with a stop and a limit, one cancels the other.

Orders meet the book that the last bar left, its close. A bar is open, high, low and close, in that order.
"""

import warnings
from decimal import Decimal

import pandas as pd
from gaps import CASH, COMMISSION, HOLD, Work, main
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("SIM")
DECIMALS = 4


class Levels(Strategy):
    def __init__(self, work: Work, types):
        super().__init__()
        self.work, self.types = work, types
        self.bars = dict.fromkeys(types, -1)
        self.opened = {}

    def on_start(self):
        for kind in self.types.values():
            self.subscribe_bars(kind)

    def on_bar(self, bar):
        symbol = bar.bar_type.instrument_id.symbol.value
        instrument = bar.bar_type.instrument_id
        self.bars[symbol] += 1
        t = self.bars[symbol]
        if not self.portfolio.is_flat(instrument) and t - self.opened[symbol] == HOLD:
            self.cancel_all_orders(instrument)
            self.close_all_positions(instrument)
        entry = self.work.entries.get(t, {}).get(symbol)
        if entry is None:
            return
        self.opened[symbol] = t
        self.open(instrument, entry, float(bar.close))

    def open(self, instrument, entry, price):
        sides = (OrderSide.BUY, OrderSide.SELL)[:: entry.side]
        quantity, task = Quantity.from_int(entry.quantity), self.work.task
        stop = Price(price * (1 - entry.side * task.stop), DECIMALS)
        if task.target is None:
            self.submit_order(self.order_factory.market(instrument, sides[0], quantity))
            self.submit_order(
                self.order_factory.stop_market(instrument, sides[1], quantity, stop, reduce_only=True)
            )
            return
        orders = self.order_factory.bracket(
            instrument_id=instrument,
            order_side=sides[0],
            quantity=quantity,
            sl_trigger_price=stop,
            tp_price=Price(price * (1 + entry.side * task.target), DECIMALS),
            tp_post_only=False,
        )
        self.submit_order_list(orders)


def run(work: Work, target):
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(CASH, USDT)],
        default_leverage=Decimal(10),
    )
    types = {}
    for symbol, frame in work.frames.items():
        instrument = Equity(
            instrument_id=InstrumentId(Symbol(symbol), VENUE),
            raw_symbol=Symbol(symbol),
            currency=USDT,
            price_precision=DECIMALS,
            price_increment=Price.from_str("0.0001"),
            lot_size=Quantity.from_int(1),
            maker_fee=Decimal(repr(COMMISSION)),
            taker_fee=Decimal(repr(COMMISSION)),
            ts_event=0,
            ts_init=0,
        )
        engine.add_instrument(instrument)
        types[symbol] = BarType.from_str(f"{symbol}.{VENUE}-1-DAY-LAST-EXTERNAL")
        bars = []
        for day, row in zip(work.days, frame.to_dict("records"), strict=True):
            stamp = pd.Timestamp(day).value
            prices = (Price(row[name], DECIMALS) for name in ("open", "high", "low", "close"))
            bars.append(Bar(types[symbol], *prices, Quantity.from_int(row["volume"]), stamp, stamp))
        engine.add_data(bars)
    engine.add_strategy(Levels(work, types))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.run()
    engine.trader.generate_fills_report().to_csv(target)


if __name__ == "__main__":
    main("nautilus_trader", run)
