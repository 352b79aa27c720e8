"""nautilus_trader: whole shares, market orders at the quotes of the open, no cash check (a margin account).

It fills at the book that it has just processed, so each day brings one quote a symbol, the price that is
traded at with slippage on both sides; the strategy decides when the day's last quote has come, by the
bars before it.
"""

from decimal import Decimal

import numpy as np
from driving import Did, main
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy
from workload import Workload

import reconcile

VENUE = Venue("SIM")
SIZE = Quantity.from_int(100_000_000)


class Rebalance(Strategy):
    def __init__(self, work: Workload, instruments):
        super().__init__()
        self.work, self.instruments = work, instruments
        self.held = np.zeros(len(work.symbols))
        self.seen = 0

    def on_start(self):
        for instrument in self.instruments:
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick):
        self.seen += 1
        symbols = len(self.instruments)
        if self.seen % symbols:
            return
        bar = self.seen // symbols - 1 - self.work.delay
        picks = self.work.picks.get(bar)
        if picks is not None:
            self.rebalance(bar, picks)

    def rebalance(self, bar, picks):
        work = self.work
        cash = self.portfolio.account(VENUE).balance_total(USD).as_double()
        target = work.target(cash + self.unrealised(bar))
        wanted = np.zeros(len(work.symbols))
        wanted[picks] = np.floor(target / work.sized_by[bar, picks])
        deltas = wanted - self.held
        kept = set(picks.tolist())
        left = [i for i in np.flatnonzero(self.held) if i not in kept]
        for i in [*left, *(i for i in picks if deltas[i] < 0), *(i for i in picks if deltas[i] > 0)]:
            side = OrderSide.BUY if deltas[i] > 0 else OrderSide.SELL
            quantity = Quantity.from_int(int(abs(deltas[i])))
            self.submit_order(self.order_factory.market(self.instruments[i].id, side, quantity))
        self.held = wanted

    def unrealised(self, bar):
        """Of the open positions at the close, whose cost a margin account leaves in the balance."""
        total = 0.0
        for position in self.cache.positions_open():
            i = self.work.symbols.index(position.instrument_id.symbol.value)
            total += position.signed_decimal_qty().__float__() * (
                self.work.close[bar, i] - position.avg_px_open
            )
        return total


def build(work: Workload):
    terms = work.terms
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(terms.cash, USD)],
        default_leverage=Decimal(100),
    )
    instruments, ticks = [], []
    stamps = work.days.astype("datetime64[ns]").astype(np.int64)
    for i, symbol in enumerate(work.symbols):
        instrument = Equity(
            instrument_id=InstrumentId(Symbol(symbol), VENUE),
            raw_symbol=Symbol(symbol),
            currency=USD,
            price_precision=4,
            price_increment=Price.from_str("0.0001"),
            lot_size=Quantity.from_int(1),
            maker_fee=Decimal(repr(terms.commission)),
            taker_fee=Decimal(repr(terms.commission)),
            ts_event=0,
            ts_init=0,
        )
        engine.add_instrument(instrument)
        instruments.append(instrument)
        for price, stamp in zip(work.traded_at[:, i], stamps, strict=True):
            slipped = np.floor(round(price * 10_000) * terms.slippage + 0.5 + 1e-9) / 10_000
            bid, ask = Price(price - slipped, 4), Price(price + slipped, 4)
            ticks.append(QuoteTick(instrument.id, bid, ask, SIZE, SIZE, int(stamp), int(stamp)))
    engine.add_data(ticks)
    engine.add_strategy(Rebalance(work, instruments))
    return lambda: (engine.run(), engine)[1]


def tell(work: Workload, engine) -> Did:
    report = engine.trader.generate_fills_report()
    account = engine.portfolio.account(VENUE)
    return Did(len(report), account.balance_total(USD).as_double())


def save(work: Workload, engine, folder):
    engine.trader.generate_fills_report().to_csv(folder / "fills.csv")
    return reconcile.from_nautilus(engine)


if __name__ == "__main__":
    main("nautilus_trader", build, tell, save)
