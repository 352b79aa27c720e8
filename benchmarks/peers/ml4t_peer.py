"""ml4t-backtest: fractional sizes, market orders at the next open, exits before entries.

`reject`: an order that does not fit the cash is refused whole. `allow_negative`: its cash check is off.
"""

import sys

import polars as pl
from harness import Did, serve
from ml4t.backtest import BacktestConfig, DataFeed, Engine, Strategy
from ml4t.backtest.config import CommissionType, ShareType, SlippageType
from workload import CASH, RATE, WEIGHT, Workload


class Rebalance(Strategy):
    def __init__(self, work: Workload):
        self.symbols, self.picks = work.symbols, work.picks
        self.bar = -1

    def on_data(self, timestamp, data, context, broker):
        self.bar += 1
        if self.bar not in self.picks:
            return
        target = broker.get_account_value() * WEIGHT
        wanted = [self.symbols[i] for i in self.picks[self.bar]]
        held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        deltas = [(symbol, target / data[symbol]["close"] - held.pop(symbol, 0.0)) for symbol in wanted]
        for symbol, quantity in [*((symbol, -quantity) for symbol, quantity in held.items()), *deltas]:
            if quantity < 0:
                broker.submit_order(symbol, quantity)
        for symbol, quantity in deltas:
            if quantity > 0:
                broker.submit_order(symbol, quantity)


def build(work: Workload):
    bars, symbols = work.open.shape
    columns = {name: getattr(work, name).ravel() for name in ("open", "high", "low", "close", "volume")}
    keys = {"timestamp": work.days.repeat(symbols), "symbol": list(work.symbols) * bars}
    config = BacktestConfig(
        initial_cash=CASH,
        share_type=ShareType.FRACTIONAL,
        commission_type=CommissionType.PERCENTAGE,
        commission_rate=RATE,
        slippage_type=SlippageType.PERCENTAGE,
        slippage_rate=RATE,
        skip_cash_validation=sys.argv[2] == "allow_negative",
    )
    engine = Engine(DataFeed(prices_df=pl.DataFrame({**keys, **columns})), Rebalance(work), config)

    def run():
        result = engine.run()
        return lambda: Did(len(result.fills), float(result.equity_curve[-1][1]))

    return run


if __name__ == "__main__":
    serve("ml4t-backtest", build)
