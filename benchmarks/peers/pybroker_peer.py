"""pybroker: fractional sizes, orders at the next open, sells before buys; buys by symbol, capped by cash
(fees not counted, so that a bar can end a little below 0; then the next buys wait).
"""

import pandas as pd
import pybroker
from harness import Did, serve
from pybroker import FeeMode, FixedSlippageModel, PriceType, Strategy, StrategyConfig
from workload import CASH, RATE, WEIGHT, Workload

pybroker.disable_progress_bar()
pybroker.disable_logging()


def rebalance(work: Workload):
    """What runs after every bar, with a context a symbol."""
    picks = {work.days[t]: [work.symbols[i] for i in picked] for t, picked in work.picks.items()}
    held: list[str] = []

    def after(contexts):
        first = next(iter(contexts.values()))
        wanted = picks.get(first.date[-1].astype(work.days.dtype))
        if wanted is None:
            return
        for symbol in set(held).difference(wanted):
            contexts[symbol].sell_all_shares()
        for symbol in wanted:
            contexts[symbol].set_target_shares(WEIGHT, dir="long")
        for symbol in {*held, *wanted}:
            context = contexts[symbol]
            context.buy_fill_price = PriceType.OPEN if context.buy_shares else None
            context.sell_fill_price = PriceType.OPEN if context.sell_shares else None
        held[:] = wanted

    return after


def build(work: Workload):
    bars, symbols = work.open.shape
    columns = {name: getattr(work, name).ravel() for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame({"date": work.days.repeat(symbols), "symbol": list(work.symbols) * bars, **columns})
    config = StrategyConfig(
        initial_cash=CASH,
        fee_mode=FeeMode.ORDER_PERCENT,
        fee_amount=100 * RATE,
        enable_fractional_shares=True,
        round_fill_price=False,
        round_test_result=False,
    )
    strategy = Strategy(frame, str(work.days[0]), str(work.days[-1]), config)
    strategy.set_slippage_model(FixedSlippageModel(bps=10_000 * RATE))
    strategy.add_execution(None, list(work.symbols))
    strategy.set_after_exec(rebalance(work))

    def run():
        result = strategy.backtest()
        return lambda: Did(len(result.orders), float(result.portfolio["equity"].iloc[-1]))

    return run


if __name__ == "__main__":
    serve("lib-pybroker", build)
