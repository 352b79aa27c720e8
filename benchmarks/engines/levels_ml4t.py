"""ml4t-backtest's stops: a RuleChain of StopLoss or TrailingStop and TakeProfit, the first one that fires.

Rules are evaluated before the orders of a bar, so that a stop would come before a market order for the open.
Hence the execution mode is SAME_BAR, at the close.
"""

import polars as pl
from gaps import CASH, COMMISSION, HOLD, Work, main
from ml4t.backtest import BacktestConfig, DataFeed, Engine, Strategy
from ml4t.backtest.config import (
    CommissionType,
    ExecutionMode,
    ExecutionPrice,
    ShareType,
    SlippageType,
    WaterMarkSource,
)
from ml4t.backtest.risk import RuleChain, StopLoss, TakeProfit, TrailingStop


class Levels(Strategy):
    def __init__(self, work: Work):
        self.work, self.bar, self.opened = work, -1, {}

    def on_start(self, broker):
        task = self.work.task
        stop = StopLoss(pct=task.stop) if task.trail is None else TrailingStop(pct=task.trail)
        broker.set_position_rules(RuleChain([stop, *([TakeProfit(pct=task.target)] if task.target else [])]))

    def on_data(self, timestamp, data, context, broker):
        self.bar += 1
        for symbol, position in broker.get_positions().items():
            if self.bar - self.opened[symbol] == HOLD:
                broker.submit_order(symbol, -position.quantity)
        for symbol, entry in self.work.entries.get(self.bar, {}).items():
            broker.submit_order(symbol, entry.side * entry.quantity)
            self.opened[symbol] = self.bar


def run(work: Work, target):
    frames = [
        pl.from_pandas(frame.reset_index()).with_columns(symbol=pl.lit(name))
        for name, frame in work.frames.items()
    ]
    config = BacktestConfig(
        initial_cash=CASH,
        share_type=ShareType.INTEGER,
        commission_type=CommissionType.PERCENTAGE,
        commission_rate=COMMISSION,
        slippage_type=SlippageType.NONE,
        allow_short_selling=True,
        allow_leverage=True,
        execution_mode=ExecutionMode.SAME_BAR,
        execution_price=ExecutionPrice.CLOSE,
        trail_hwm_source=WaterMarkSource.BAR_EXTREME,
    )
    bars = pl.concat(frames).sort("timestamp", "symbol")
    result = Engine(DataFeed(prices_df=bars), Levels(work), config).run()
    result.to_fills_dataframe().write_parquet(target)


if __name__ == "__main__":
    main("ml4t-backtest", run)
