"""ml4t-backtest: sizes as the terms say, market orders at the next open, exits before entries.

`reject`: an order that does not fit the cash is refused whole. `allow_negative`: its cash check is off.
`same_close` is its execution mode SAME_BAR.
"""

import sys

import polars as pl
from driving import Did, main
from ml4t.backtest import BacktestConfig, DataFeed, Engine, Strategy
from ml4t.backtest.config import CommissionType, ExecutionMode, ShareType, SlippageType
from workload import Workload

import reconcile


class Rebalance(Strategy):
    def __init__(self, work: Workload):
        self.work = work
        self.bar = -1

    def on_data(self, timestamp, data, context, broker):
        work = self.work
        self.bar += 1
        if self.bar not in work.picks:
            return
        target = work.target(broker.get_account_value())
        wanted = [work.symbols[i] for i in work.picks[self.bar]]
        held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        field = work.terms.sized_at
        deltas = [
            (symbol, work.shares(target, data[symbol][field]) - held.pop(symbol, 0.0)) for symbol in wanted
        ]
        for symbol, quantity in [*((symbol, -quantity) for symbol, quantity in held.items()), *deltas]:
            if quantity < 0:
                broker.submit_order(symbol, quantity)
        for symbol, quantity in deltas:
            if quantity > 0:
                broker.submit_order(symbol, quantity)


def build(work: Workload):
    bars, symbols = work.open.shape
    terms = work.terms
    columns = {name: getattr(work, name).ravel() for name in ("open", "high", "low", "close", "volume")}
    keys = {"timestamp": work.days.repeat(symbols), "symbol": list(work.symbols) * bars}
    config = BacktestConfig(
        initial_cash=terms.cash,
        share_type=ShareType.INTEGER if terms.whole else ShareType.FRACTIONAL,
        commission_type=CommissionType.PERCENTAGE,
        commission_rate=terms.commission,
        slippage_type=SlippageType.PERCENTAGE,
        slippage_rate=terms.slippage,
        skip_cash_validation="allow_negative" in sys.argv,
        execution_mode=ExecutionMode.NEXT_BAR if work.delay else ExecutionMode.SAME_BAR,
    )
    engine = Engine(DataFeed(prices_df=pl.DataFrame({**keys, **columns})), Rebalance(work), config)
    return engine.run


def tell(work: Workload, result) -> Did:
    return Did(len(result.fills), float(result.equity_curve[-1][1]))


def save(work: Workload, result, folder):
    result.to_fills_dataframe().write_parquet(folder / "fills.parquet")
    return reconcile.from_ml4t(result)


if __name__ == "__main__":
    main("ml4t-backtest", build, tell, save)
